// Layouts that wait for a detector: what is left out of their JSON, and how it is decided.

import JSON
import Layouts
import Testing

struct PendingLayoutTests {
    private static func object(_ id: Int, _ box: Box, _ attribute: Attribute = .hard, category: Int = 1) -> LayoutObject
    {
        LayoutObject(annotationID: id, categoryID: category, category: "cat", box: box, attribute: attribute)
    }

    private static let layout = Layout(
        imageID: 7, fileName: "a \"b\".jpg", width: 100, height: 80,
        objects: [
            object(1, Box(x: 10, y: 10, width: 40, height: 40)),
            object(2, Box(x: 0, y: 60, width: 100, height: 20), .background, category: 92),
            object(3, Box(x: 60, y: 5, width: 30, height: 30), .easy),
        ])
    private static let pending = PendingLayout(layout, pending: [0, 2])

    @Test func itsJSONIsTheLayoutsWithoutWhatIsPending() throws {
        let text = String(decoding: Self.pending.encoded(), as: UTF8.self)
        #expect(
            text
                == #"{"file_name":"a \"b\".jpg","height":80,"image_id":7,"objects":["#
                + #"{"annotation_id":1,"bbox":[10,10,40,40],"category":"cat","category_id":1},"#
                + #"{"annotation_id":2,"attribute":"background","bbox":[0,60,100,20],"category":"cat","category_id":92},"#
                + #"{"annotation_id":3,"bbox":[60,5,30,30],"category":"cat","category_id":1}],"width":100}"#)
        #expect(try PendingLayout(decoding: Self.pending.encoded()) == Self.pending)
        #expect(Self.pending.layout.objects.map(\.attribute) == [.hard, .background, .hard])
    }

    @Test func aWholeLayoutWaitsForNothingAndIsNoneWithoutItsAttributes() throws {
        #expect(try PendingLayout(decoding: Self.layout.encoded()) == PendingLayout(Self.layout, pending: []))
        let error = #expect(throws: LayoutError.self) { _ = try Layout(decoding: Self.pending.encoded()) }
        #expect(error?.description.contains("objects[0], byte") == true, "\(String(describing: error))")
        #expect(error?.description.contains("expected the key \"attribute\"") == true)
    }

    @Test func equationTwoDecidesWhatIsPendingAndNothingElse() {
        func found(_ box: Box, _ score: Double, category: Int = 1) -> Detection {
            Detection(imageID: 7, categoryID: category, box: box, score: score)
        }
        let detections = [
            found(Box(x: 11, y: 11, width: 40, height: 40), 0.5, category: 9),
            found(Box(x: 60, y: 5, width: 30, height: 30), 0.2), found(Box(x: 0, y: 60, width: 100, height: 20), 0.9),
        ]
        func attributes(_ rule: AttributeRule) -> [Attribute] {
            Self.pending.decided(by: rule, detections: detections).objects.map(\.attribute)
        }
        #expect(attributes(AttributeRule()) == [.easy, .background, .hard])
        #expect(attributes(AttributeRule(gamma: 0.2)) == [.easy, .background, .easy])
        #expect(attributes(AttributeRule(gamma: 0.2, sameClass: true)) == [.hard, .background, .easy])
        #expect(attributes(AttributeRule(beta: 0.99)) == [.hard, .background, .hard])
    }

    @Test(arguments: [
        (#"{"bbox":[1,2,3],"category_id":1,"score":0.5}"#, "4 numbers"),
        (#"{"bbox":[1,2,3,-4],"category_id":1,"score":0.5}"#, "finite extent"),
        (#"{"bbox":[1,2,3,4],"category_id":1,"score":1.5}"#, "score of 0 to 1"),
        (#"{"bbox":[1,2,3,4],"score":1}"#, "category_id"),
    ])
    func aDetectionThatNobodyWritesIsRefused(text: String, says: String) {
        var reader = JSONReader<JSONFault>(Array(text.utf8))
        let fault = #expect(throws: JSONFault.self) { _ = try Detection(&reader, imageID: 7) }
        #expect(fault?.reason.contains(says) == true, "\(String(describing: fault))")
    }
}
