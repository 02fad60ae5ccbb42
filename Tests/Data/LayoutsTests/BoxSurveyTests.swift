// Boxes that are not pixels of their images are noticed, and refused where all of them are.

import Testing

@testable import Layouts

@Suite struct BoxSurveyTests {
    static let inside = Box(x: 20, y: 30, width: 200, height: 150)
    static let corners = Box(x: 240, y: 60, width: 420, height: 280)
    static let fraction = Box(x: 0.1, y: 0.2, width: 0.5, height: 1)

    static func survey(_ boxes: Box...) -> BoxSurvey {
        var survey = BoxSurvey()
        for box in boxes { survey.add(box, inWidth: 640, height: 480) }
        return survey
    }

    @Test func eachOddityIsCounted() {
        let survey = Self.survey(
            Self.inside, Self.corners, Self.fraction, Box(x: -5, y: 0, width: 20, height: 20),
            Box(x: 600, y: 0, width: 40.9, height: 20), Box(x: 1, y: 1, width: 0, height: 9))
        #expect(survey.boxes == 5, "a box without extent is nobody's notation")
        #expect(survey.outside == 2 && survey.corners == 1 && survey.fractions == 1)
        #expect(survey.likelyCause == nil)
        #expect(survey.remarks("boxes").count == 2)
        #expect(Self.survey(Self.inside).remarks("boxes").isEmpty)
    }

    @Test func whereAllAreAlikeTheCauseIsNamed() {
        #expect(Self.survey(Self.fraction, Self.fraction).likelyCause?.found.contains("fractions") == true)
        #expect(Self.survey(Self.corners, Self.corners).likelyCause?.found.contains("corners") == true)
        #expect(Self.survey(Self.corners, Self.inside).likelyCause == nil)
        let doubled = Box(x: 600, y: 400, width: 300, height: 200)
        #expect(
            Self.survey(doubled, Box(x: -9, y: 0, width: 9, height: 9)).likelyCause?.found.contains("another size")
                == true)
        #expect(Self.survey().likelyCause == nil)
    }

    @Test func detectionsThatOverlapNothingAreCounted() {
        func survey(_ boxes: [(Box, Double)]) -> DetectionSurvey {
            let image = AnnotatedImage(id: 1, fileName: "1.jpg", width: 640, height: 480)
            let found = boxes.map { Detection(imageID: 1, categoryID: 1, box: $0.0, score: $0.1) }
            return DetectionSurvey(
                DetectionSet(found), rule: AttributeRule(), beside: annotationSet([Self.inside], image: image))
        }
        let elsewhere = Box(x: 400, y: 300, width: 50, height: 50)
        let some = survey([(Self.inside, 0.9), (elsewhere, 0.9), (elsewhere, 0.1)])
        #expect(some.counted == 2 && some.apart == 1 && some.likelyCause == nil)
        #expect(
            some.remarks(gamma: 0.3).map(\.text) == [
                "1 of 2 detections with a score of at least 0.3 overlap no annotated box"
            ])
        #expect(survey([(elsewhere, 0.9)]).likelyCause?.found.contains("overlap no annotated box") == true)
        #expect(survey([(Self.fraction, 0.9)]).likelyCause?.found.contains("fractions") == true)
        #expect(survey([(Self.inside, 0.1)]).remarks(gamma: 0.3).first?.text.contains("no detection reaches") == true)
        #expect(survey([]).likelyCause == nil && survey([]).remarks(gamma: 0.3).isEmpty)
    }

    @Test func classesOfAnotherOrderAreNoticedWhereTheyCount() {
        let image = AnnotatedImage(id: 1, fileName: "1.jpg", width: 640, height: 480)
        let set = annotationSet([Self.inside], image: image)
        func survey(_ category: Int, sameClass: Bool) -> DetectionSurvey {
            let found = DetectionSet([Detection(imageID: 1, categoryID: category, box: Self.inside, score: 0.9)])
            return DetectionSurvey(found, rule: AttributeRule(sameClass: sameClass), beside: set)
        }
        #expect(survey(2, sameClass: true).likelyCause?.found.contains("none of its own category") == true)
        #expect(survey(1, sameClass: true).likelyCause == nil && survey(2, sameClass: false).likelyCause == nil)
    }

    @Test(arguments: [
        ("<lid> [easy]", "[easy]"), ("[HARD] hat", "[hard]"), ("a<l12>b", "<l12>"), ("<|endoftext|>", "<|endoftext|>"),
        ("<lid>", nil), ("screw, M4 (bent)", nil), ("交通灯", nil), ("easy", nil),
    ])
    func namesThatHoldATokenAreKnown(name: String, token: String?) {
        #expect(Category(id: 1, name: name).promptToken == token)
    }
}
