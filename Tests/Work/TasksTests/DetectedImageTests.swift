// What detect tasks record, and what makes a detect job the job it is.

import Digests
import Layouts
import Tasks
import Testing

struct DetectedImageTests {
    private static let objects = PendingLayout(
        Layout(
            imageID: 139, fileName: "139.jpg", width: 100, height: 80,
            objects: [
                LayoutObject(
                    annotationID: 1, categoryID: 1, category: "cat", box: Box(x: 10, y: 10, width: 40, height: 40),
                    attribute: .hard),
                LayoutObject(
                    annotationID: 2, categoryID: 92, category: "sky", box: Box(x: 0, y: 0, width: 100, height: 20),
                    attribute: .background),
            ]), pending: [0])
    private static let image = DetectedImage(
        objects, rule: AttributeRule(gamma: 0.25),
        detections: [
            Detection(imageID: 139, categoryID: 2, box: Box(x: 10.125, y: 10, width: 40, height: 40), score: 0.26)
        ],
        detector: SHA256.digest(of: "detector"), picture: SHA256.digest(of: "picture"))

    @Test func itsBytesAreStable() throws {
        let text = String(decoding: Self.image.encoded(), as: UTF8.self)
        #expect(
            text
                == #"{"beta":0.5,"detections":[{"bbox":[10.125,10,40,40],"category_id":2,"score":0.26}],"detector":""#
                + SHA256.digest(of: "detector").hex + #"","gamma":0.25,"layout":{"file_name":"139.jpg","height":80,"#
                + #""image_id":139,"objects":[{"annotation_id":1,"attribute":"easy","bbox":[10,10,40,40],"category":"cat","#
                + #""category_id":1},{"annotation_id":2,"attribute":"background","bbox":[0,0,100,20],"category":"sky","#
                + #""category_id":92}],"width":100},"picture":""# + SHA256.digest(of: "picture").hex
                + #"","same_class":false,"version":1}"#)
        #expect(try DetectedImage(decoding: Self.image.encoded()) == Self.image)
    }

    @Test func anotherRuleNeedsNoNewDetecting() throws {
        let stricter = Self.image.judged(by: AttributeRule(gamma: 0.3))
        #expect(stricter.layout.objects.map(\.attribute) == [.hard, .background] && stricter.rule.gamma == 0.3)
        #expect(Self.image.judged(by: AttributeRule(gamma: 0.25, sameClass: true)).layout.objects[0].attribute == .hard)
        #expect(stricter.judged(by: Self.image.rule) == Self.image)
    }

    @Test(arguments: [
        (#""version":1"#, #""version":2"#), (#""gamma":0.25"#, #""gamma":1.25"#), (#""same_class":false,"#, ""),
        (#""score":0.26"#, #""score":"high""#), (#""attribute":"easy","#, ""), (#""width":100"#, #""width":0"#),
        (#""picture":""#, #""picture":"x"#), (#"{"beta""#, #"{"version":1,"beta""#),
    ])
    func whatNoWorkerRecordsIsUnreadable(from: String, to: String) {
        let text = String(decoding: Self.image.encoded(), as: UTF8.self).replacing(from, with: to)
        let error = #expect(throws: TaskError.self) { _ = try DetectedImage(decoding: Array(text.utf8)) }
        #expect(error?.code == .unreadable && error?.description.hasPrefix("result of a detect task: ") == true)
    }

    @Test func everyFieldOfASpecificationChangesTheIdentity() throws {
        let base = DetectSpecification(
            annotations: SHA256.digest(of: "a"), subset: .all, width: 800, height: 456, detector: "yolov4",
            detectorDigest: SHA256.digest(of: "d"), classes: [.init(id: 1, name: "cat"), nil], rule: AttributeRule(),
            shardSize: 500)
        #expect(try DetectSpecification(json: base.canonicalJSON()) == base)
        #expect(base.capability.rawValue == "yolov4." + SHA256.digest(of: "d").hex.prefix(12))
        var others: [DetectSpecification] = []
        func add(_ change: (inout DetectSpecification) -> Void) {
            var other = base
            change(&other)
            others.append(other)
        }
        add { $0.annotations = SHA256.digest(of: "b") }
        add { $0.stuff = SHA256.digest(of: "b") }
        add { $0.imageIDs = SHA256.digest(of: "b") }
        add { $0.subset = .trainability }
        add { $0.width = 512 }
        add { $0.height = 512 }
        add { $0.detector = "fcos" }
        add { $0.detectorDigest = SHA256.digest(of: "e") }
        add { $0.classes = [.init(id: 2, name: "cat"), nil] }
        add { $0.gamma = 0.4 }
        add { $0.beta = 0.4 }
        add { $0.sameClass = true }
        add { $0.shardSize = 400 }
        let texts = try ([base] + others).map { try $0.canonicalJSON() }
        #expect(Set(texts).count == texts.count)
    }

    @Test(arguments: [
        (#""kind":"detect""#, #""kind":"generate""#), (#""version":1"#, #""version":9"#),
        (#""gamma":0.3"#, #""gamma":7"#), (#""width":800"#, #""width":12"#), (#""shardSize":500"#, #""shardSize":0"#),
        (#""detector":"yolov4""#, #""detector":"YOLO v4""#),
    ])
    func aSpecificationThatNoProducerRecordsIsUnreadable(from: String, to: String) throws {
        let base = DetectSpecification(
            annotations: SHA256.digest(of: "a"), subset: .all, width: 800, height: 456, detector: "yolov4",
            detectorDigest: SHA256.digest(of: "d"), classes: [nil], rule: AttributeRule(), shardSize: 500)
        let text = try base.canonicalJSON()
        #expect(text.contains(from))
        #expect(throws: TaskError.self) { _ = try DetectSpecification(json: text.replacing(from, with: to)) }
    }
}
