// Annotation files as the field writes them, none of them COCO's, small enough for a test.

import Foundation
import Testing

/// An annotation file of another data set than COCO: how its exporter writes categories, images and annotations.
struct MadeSet: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// The file's text.
    var text: String

    /// Two images of 640x480 with four objects each, written by `image` and `annotation`.
    private init(
        _ name: String, categories: [(id: Int, name: String, more: String)],
        image: (_ number: Int) -> String, annotation: (_ number: Int) -> String, firstID: Int = 1
    ) {
        testDescription = name
        let boxes = ["20,30,200,150", "240.5,60,180,220", "430,200,190.25,240", "10,300,150,150"]
        let images = (0..<2).map { number in
            #"{"id":\#(firstID + number),"width":640,"height":480\#(image(number))}"#
        }
        let annotations = (0..<8).map { number in
            // The last categories are the ones used: a root that nothing belongs to stands before them.
            let category = categories[categories.count - 1 - number % min(3, categories.count)].id
            return #"{"id":\#(firstID + number),"image_id":\#(firstID + number / 4),"category_id":\#(category),"#
                + #""bbox":[\#(boxes[number % 4])]\#(annotation(number))}"#
        }
        let lines = categories.map { #"{"id":\#($0.id),"name":"\#($0.name)"\#($0.more)}"# }
        text =
            #"{"images":[\#(images.joined(separator: ","))],"annotations":[\#(annotations.joined(separator: ","))],"#
            + #""categories":[\#(lines.joined(separator: ","))]}"#
    }

    /// Three categories of one's own, counted from 0, one of them `other`; no areas.
    static let own = MadeSet(
        "own", categories: [(0, "weld", ""), (1, "other", ""), (2, "裂缝", #","supercategory":"defect""#)],
        image: { #","file_name":"line-\#($0).png""# }, annotation: { _ in "" })

    /// Roboflow: a root category 0 that groups the others, ids from 0, extra keys.
    static let roboflow = MadeSet(
        "roboflow",
        categories: [
            (0, "fruits", #","supercategory":"none""#), (1, "apple", #","supercategory":"fruits""#),
            (2, "fig", #","supercategory":"fruits""#), (3, "plum", #","supercategory":"fruits""#),
        ], image: { #","file_name":"\#($0)_jpg.rf.0a1b.jpg","license":1,"extra":{"name":"\#($0).jpg"}"# },
        annotation: { _ in #","area":25000,"segmentation":[],"iscrowd":0"# }, firstID: 0)

    /// LVIS: no file names, no crowds, many categories.
    static let lvis = MadeSet(
        "lvis",
        categories: (1...1203).map { ($0, "kind_\($0)", #","synset":"kind.n.01","frequency":"c""#) },
        image: { #","coco_url":"http://images.example.org/val2017/\#($0).jpg","neg_category_ids":[2]"# },
        annotation: { _ in #","area":25000.5,"segmentation":[[1,1,2,2,3,3]]"# })

    /// Pascal VOC converted: 20 categories from 1, difficult objects to be ignored.
    static let voc = MadeSet(
        "voc",
        categories: [
            "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
            "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
        ].enumerated().map { ($0.offset + 1, $0.element, #","supercategory":"none""#) },
        image: { #","file_name":"2007_00003\#($0).jpg""# },
        annotation: { #","area":25000,"iscrowd":0,"ignore":\#($0 % 4 == 3 ? 1 : 0)"# }, firstID: 20_070_000)

    /// Objects365: 365 categories, folders in the names, ids of many digits, extra keys.
    static let objects365 = MadeSet(
        "objects365", categories: (1...365).map { ($0, "Thing/\($0)", #","supercategory":null"#) },
        image: { #","file_name":"images/v1/patch8/objects365_v1_0042091\#($0).jpg","url":"","license":5"# },
        annotation: { _ in #","area":25000.25,"iscrowd":0,"isfake":0,"isreflected":0"# }, firstID: 1_234_567_890_123_456
    )

    static let all = [own, roboflow, lvis, voc, objects365]
}

/// What a file says, read with nothing of the project's own.
struct JudgedSet: Decodable {
    struct Image: Decodable { var id: Int, file_name: String? }
    struct Annotation: Decodable { var id, image_id, category_id: Int, bbox: [Double], ignore: Int? }
    struct Category: Decodable { var id: Int, name: String, supercategory: String? }

    var images: [Image]
    var annotations: [Annotation]
    var categories: [Category]

    /// The annotations that ask for an image of themselves.
    var wanted: [Annotation] { annotations.filter { $0.ignore != 1 } }

    /// A detector's results: every other wanted object exactly where it is, and nothing else.
    func detections() throws -> Data {
        let found = wanted.enumerated().filter { $0.offset % 2 == 0 }.map { _, annotation in
            #"{"image_id":\#(annotation.image_id),"category_id":\#(annotation.category_id),"bbox":\#(annotation.bbox),"#
                + #""score":0.9}"#
        }
        return Data("[\(found.joined(separator: ","))]".utf8)
    }
}
