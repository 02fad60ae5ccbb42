// The canonical JSON of a layout: equal layouts have equal bytes.

import ErrorLines
import Foundation
import JSON

extension Layout {
    /// Canonical JSON: keys sorted, no spaces, shortest numbers that read back equal, text in UTF-8.
    ///
    /// Equal layouts give equal bytes, so the bytes may be hashed.
    public func encoded() -> [UInt8] {
        var text = JSONText()
        text.append("{\"file_name\":")
        text.append(quoted: fileName)
        text.append(",\"height\":\(height),\"image_id\":\(imageID),\"objects\":[")
        for (index, object) in objects.enumerated() {
            if index > 0 { text.append(",") }
            text.append(
                "{\"annotation_id\":\(object.annotationID),\"attribute\":\"\(object.attribute.rawValue)\",\"bbox\":[")
            let box = object.box
            for (place, number) in [box.x, box.y, box.width, box.height].enumerated() {
                if place > 0 { text.append(",") }
                text.append(number: number)
            }
            text.append("],\"category\":")
            text.append(quoted: object.category)
            text.append(",\"category_id\":\(object.categoryID)}")
        }
        text.append("],\"width\":\(width)}")
        return text.bytes
    }

    /// Reads what ``encoded()`` wrote, or any JSON with the same keys.
    ///
    /// Throws when a key is missing or of the wrong kind, and what ``check()`` throws.
    public init(decoding bytes: [UInt8]) throws(LayoutError) {
        do { self = try JSONDecoder().decode(Layout.self, from: Data(bytes)) } catch let error as DecodingError {
            throw Self.contentError(error.place, expected: error.reason, found: "something else")
        } catch { throw Self.contentError("top", expected: "JSON", found: ErrorLine.beginning(of: "\(error)")) }
        try check()
    }

    /// Throws where a layout is none that an annotation file can give: a side of the image outside 1...1,000,000 pixels,
    /// a box with a number that is not finite or beyond a billion, a negative extent, or a category of over 1000 bytes.
    public func check() throws(LayoutError) {
        let sides = 1...RecordField.longestSide
        guard sides.contains(width), sides.contains(height) else {
            throw Self.contentError(
                "width, height", expected: "sides of 1 to \(RecordField.longestSide)", found: "\(width)x\(height)")
        }
        for (index, object) in objects.enumerated() {
            guard object.box.isPlausible else {
                throw Self.contentError(
                    "objects[\(index)].bbox", expected: "finite numbers up to a billion and no negative extent",
                    found: "\(object.box)")
            }
            guard object.category.utf8.count <= RecordField.longestText else {
                throw Self.contentError(
                    "objects[\(index)].category", expected: "at most \(RecordField.longestText) bytes",
                    found: "\(object.category.utf8.count)")
            }
        }
    }

    private static func contentError(_ place: String, expected: String, found: String) -> LayoutError {
        LayoutError(
            .content,
            "cannot read a layout at \(place): expected \(expected), found \(found); write it as this "
                + "version of the package does"
        )
    }
}

extension Box {
    /// Numbers that can be scaled and clipped without becoming infinite.
    fileprivate var isPlausible: Bool { isValid && [x, y, width, height].allSatisfy { abs($0) <= 1e9 } }
}

extension DecodingError {
    private var context: Context? {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context
        @unknown default: nil
        }
    }

    /// Where in the document it was, for example `objects[2].bbox`.
    var place: String {
        let path = context?.codingPath ?? []
        let text = path.reduce(into: "") { text, key in
            text += key.intValue.map { "[\($0)]" } ?? (text.isEmpty ? "" : ".") + key.stringValue
        }
        return text.isEmpty ? "top" : text
    }

    /// What was expected there, on one line.
    var reason: String {
        switch self {
        case .typeMismatch(let type, _), .valueNotFound(let type, _): "a value of type \(type)"
        case .keyNotFound(let key, _): "the key \"\(key.stringValue)\""
        default: ErrorLine.beginning(of: context?.debugDescription ?? "JSON")
        }
    }
}
