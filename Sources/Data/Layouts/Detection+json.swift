// Detections as they are kept: rounded to what they can mean, in COCO's words.

import Foundation
public import JSON

extension Detection {
    /// The same with its box rounded to thousandths of a pixel, which is more than a box can mean, and its score to
    /// millionths.
    public var rounded: Detection {
        func rounded(_ number: Double, digits: Int) -> Double {
            let factor = pow(10, Double(digits))
            return (number * factor).rounded() / factor
        }
        let sides = [box.x, box.y, box.width, box.height].map { rounded($0, digits: 3) }
        return Detection(
            imageID: imageID, categoryID: categoryID,
            box: Box(x: sides[0], y: sides[1], width: sides[2], height: sides[3]), score: rounded(score, digits: 6))
    }

    /// Appends `{"bbox":[x,y,width,height],"category_id":…,"score":…}`; the image is said by what is around it.
    public func append(to text: inout JSONText) {
        text.append("{\"bbox\":[")
        for (place, number) in [box.x, box.y, box.width, box.height].enumerated() {
            if place > 0 { text.append(",") }
            text.append(number: number)
        }
        text.append("],\"category_id\":\(categoryID),\"score\":")
        text.append(number: score)
        text.append("}")
    }

    /// Reads what ``append(to:)`` wrote, for an image that the caller knows.
    public init(_ reader: inout JSONReader<JSONFault>, imageID: Int) throws(JSONFault) {
        var box: Box?
        var categoryID: Int?
        var score: Double?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "bbox": try reader.read(key, into: &box) { (reader) throws(JSONFault) in try Box(&reader) }
            case "category_id":
                try reader.read(key, into: &categoryID) { (reader) throws(JSONFault) in try reader.integer() }
            case "score": try reader.read(key, into: &score) { (reader) throws(JSONFault) in try reader.number() }
            default: try reader.skip()
            }
        }
        self.init(
            imageID: imageID, categoryID: try reader.required("category_id", categoryID),
            box: try reader.required("bbox", box), score: try reader.required("score", score))
        guard self.box.isValid, (0...1).contains(self.score) else {
            throw reader.failure("a box with a finite extent and a score of 0 to 1 before this")
        }
    }
}
