// A layout that a person wrote, for making one image.

import ErrorLines
import Foundation

extension Layout {
    /// What a layout file holds; `attribute` may be left out where a strategy gives it.
    private struct File: Decodable {
        struct Object: Decodable {
            var category: String
            var bbox: [Double]
            var attribute: String?
        }

        var width: Int
        var height: Int
        var objects: [Object]
    }

    /// Reads `{"width":W,"height":H,"objects":[{"category":"person","bbox":[x,y,w,h],"attribute":"hard"}]}`, in pixels of
    /// the original image.
    ///
    /// Boxes are clipped to the image. Strategies `hard` and `easy` replace the attributes, but stuff keeps
    /// `[background]`; `origin` takes them from the file, and `mixed` is refused.
    /// - Throws: ``LayoutError`` naming the file and the place.
    public init(file path: String, strategy: Strategy) throws(LayoutError) {
        guard strategy != .mixed else {
            throw LayoutError(
                .options,
                "--strategy mixed: its rules are for a whole set, found one layout; write the attributes into the layout "
                    + "file, or choose hard or easy")
        }
        let file = try Self.read(path)
        guard (1...1_000_000).contains(file.width), (1...1_000_000).contains(file.height) else {
            throw LayoutError(
                .content,
                "\(ErrorLine.beginning(of: path)): width, height: expected 1 to 1000000 pixels, found \(file.width)x\(file.height)"
            )
        }
        guard (1...1000).contains(file.objects.count) else {
            throw LayoutError(
                .content, "\(ErrorLine.beginning(of: path)): objects: expected 1 to 1000, found \(file.objects.count)")
        }
        self.init(imageID: 0, fileName: "", width: file.width, height: file.height, objects: [])
        for (index, object) in file.objects.enumerated() {
            objects.append(
                try Self.object(
                    object, width: Double(file.width), height: Double(file.height), strategy: strategy,
                    place: "\(ErrorLine.beginning(of: path)): objects[\(index)]"))
        }
    }

    /// The most bytes of a layout file: a thousand objects with room to spare.
    private static let sizeLimit = 1 << 22

    private static func read(_ path: String) throws(LayoutError) -> File {
        let name = ErrorLine.beginning(of: path)
        var facts = stat()
        // What cannot be asked cannot be read either, and that says why.
        if unsafe stat(path, &facts) == 0, facts.st_size > sizeLimit {
            throw LayoutError(
                .content, "\(name): expected a layout of at most \(sizeLimit) bytes, found \(facts.st_size)")
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw LayoutError(
                .file, "\(name): cannot read the layout (\(error.localizedDescription)); give the path of a layout file"
            )
        }
        do {
            return try JSONDecoder().decode(File.self, from: data)
        } catch let error as DecodingError {
            throw LayoutError(
                .content,
                "\(name): \(error.place): expected \(error.reason), found something else; a layout is "
                    + #"{"width":W,"height":H,"objects":[{"category":"person","bbox":[x,y,w,h],"attribute":"hard"}]}"#)
        } catch {
            throw LayoutError(.content, "\(name): expected JSON, found \(ErrorLine.beginning(of: "\(error)"))")
        }
    }

    private static func object(
        _ object: File.Object, width: Double, height: Double, strategy: Strategy, place: String
    ) throws(LayoutError) -> LayoutObject {
        guard !object.category.isEmpty, object.category.utf8.count <= 200 else {
            throw LayoutError(
                .content, "\(place).category: expected 1 to 200 bytes, found \(ErrorLine.quoted(object.category))")
        }
        // It goes into the prompt, which is printed, and into the picture.
        guard ErrorLine.beginning(of: object.category) == object.category else {
            throw LayoutError(
                .content,
                "\(place).category: expected a name without control characters, found "
                    + ErrorLine.quoted(object.category))
        }
        if let token = Category(id: 0, name: object.category).promptToken {
            throw LayoutError(
                .content,
                "\(place).category: expected a name without the prompt's own tokens, found \(token) in "
                    + ErrorLine.quoted(object.category))
        }
        guard object.bbox.count == 4, object.bbox.allSatisfy({ $0.isFinite && abs($0) <= 1e9 }) else {
            throw LayoutError(
                .content, "\(place).bbox: expected x, y, width and height in pixels, found \(object.bbox.count) numbers"
            )
        }
        let box = Box(x: object.bbox[0], y: object.bbox[1], width: object.bbox[2], height: object.bbox[3])
        let clipped = box.clipped(toWidth: width, height: height)
        guard box.width > 0, box.height > 0, clipped.width > 0, clipped.height > 0 else {
            throw LayoutError(
                .content,
                "\(place).bbox: expected a box that meets the image of \(Int(width))x\(Int(height)), found \(box)")
        }
        let known = (CocoCategories.things + CocoCategories.stuff).first { $0.name == object.category }
        return LayoutObject(
            annotationID: 0, categoryID: known?.id ?? 0, category: object.category, box: clipped,
            attribute: try attribute(of: object, isStuff: known?.isStuff ?? false, strategy: strategy, place: place))
    }

    private static func attribute(
        of object: File.Object, isStuff: Bool, strategy: Strategy, place: String
    ) throws(LayoutError) -> Attribute {
        let names = Attribute.allCases.map(\.rawValue).joined(separator: ", ")
        let given = try object.attribute.map { text throws(LayoutError) in
            guard let attribute = Attribute(rawValue: text) else {
                throw LayoutError(.content, "\(place).attribute: expected \(names), found \(ErrorLine.quoted(text))")
            }
            return attribute
        }
        if isStuff || given == .background { return .background }
        switch strategy {
        case .hard: return .hard
        case .easy: return .easy
        case .origin, .mixed:
            guard let given else {
                throw LayoutError(
                    .content,
                    "\(place): expected an attribute (\(names)), found none; or choose --strategy hard or easy")
            }
            return given
        }
    }
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
