// The canonical JSON of a layout: equal layouts have equal bytes.

public import JSON

extension Layout {
    /// Canonical JSON: keys sorted, no spaces, shortest numbers that read back equal, text in UTF-8.
    ///
    /// Equal layouts give equal bytes, so the bytes may be hashed.
    public func encoded() -> [UInt8] { encoded(lackingAttributes: []) }

    /// The same without the attributes of the objects at these places.
    func encoded(lackingAttributes pending: Set<Int>) -> [UInt8] {
        var text = JSONText()
        text.append("{\"file_name\":")
        text.append(quoted: fileName)
        text.append(",\"height\":\(height),\"image_id\":\(imageID),\"objects\":[")
        for (index, object) in objects.enumerated() {
            if index > 0 { text.append(",") }
            text.append("{\"annotation_id\":\(object.annotationID),")
            if !pending.contains(index) { text.append("\"attribute\":\"\(object.attribute.rawValue)\",") }
            text.append("\"bbox\":[")
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
        var reader = JSONReader<JSONFault>(bytes)
        do {
            self = try Layout(&reader)
            try reader.finish()
        } catch {
            throw Self.contentError(
                "\(error.part.isEmpty ? "top" : error.part), byte \(error.byte)",
                expected: error.expected, found: error.found)
        }
        try check()
    }

    /// Reads the layout that comes next in a longer text; the caller must ``check()`` it.
    public init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        self = try Self.read(&reader) { (reader, _) throws(JSONFault) in
            _ = try reader.required("attribute", Attribute?.none)
        }
    }

    /// The same.
    /// - Parameter onPending: is told the place of each object without an attribute, which is given ``Attribute/hard``.
    static func read(
        _ reader: inout JSONReader<JSONFault>,
        onPending: (_ reader: JSONReader<JSONFault>, _ place: Int) throws(JSONFault) -> Void
    ) throws(JSONFault) -> Layout {
        var imageID: Int?
        var fileName: String?
        var width: Int?
        var height: Int?
        var objects: [LayoutObject]?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "image_id": try reader.read(key, into: &imageID) { (reader) throws(JSONFault) in try reader.integer() }
            case "file_name": try reader.read(key, into: &fileName) { (reader) throws(JSONFault) in try reader.text() }
            case "width": try reader.read(key, into: &width) { (reader) throws(JSONFault) in try reader.integer() }
            case "height": try reader.read(key, into: &height) { (reader) throws(JSONFault) in try reader.integer() }
            case "objects":
                try reader.read(key, into: &objects) { (reader) throws(JSONFault) in
                    var place = 0
                    return try reader.list { (reader) throws(JSONFault) in
                        defer { place += 1 }
                        return try LayoutObject(&reader) { (reader) throws(JSONFault) in try onPending(reader, place) }
                    }
                }
            default: try reader.skip()
            }
        }
        return Layout(
            imageID: try reader.required("image_id", imageID), fileName: try reader.required("file_name", fileName),
            width: try reader.required("width", width), height: try reader.required("height", height),
            objects: try reader.required("objects", objects))
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

    static func contentError(_ place: String, expected: String, found: String) -> LayoutError {
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

extension LayoutObject {
    fileprivate init(
        _ reader: inout JSONReader<JSONFault>, onPending: (JSONReader<JSONFault>) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        var annotationID: Int?
        var categoryID: Int?
        var category: String?
        var box: Box?
        var attribute: Attribute?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "annotation_id":
                try reader.read(key, into: &annotationID) { (reader) throws(JSONFault) in try reader.integer() }
            case "category_id":
                try reader.read(key, into: &categoryID) { (reader) throws(JSONFault) in try reader.integer() }
            case "category": try reader.read(key, into: &category) { (reader) throws(JSONFault) in try reader.text() }
            case "bbox": try reader.read(key, into: &box) { (reader) throws(JSONFault) in try Box(&reader) }
            case "attribute":
                try reader.read(key, into: &attribute) { (reader) throws(JSONFault) in try Attribute(&reader) }
            default: try reader.skip()
            }
        }
        if attribute == nil { try onPending(reader) }
        self.init(
            annotationID: try reader.required("annotation_id", annotationID),
            categoryID: try reader.required("category_id", categoryID),
            category: try reader.required("category", category), box: try reader.required("bbox", box),
            attribute: attribute ?? .hard)
    }
}

extension Box {
    init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        self.init(x: 0, y: 0, width: 0, height: 0)
        var count = 0
        try reader.elements { (reader) throws(JSONFault) in
            let number = try reader.number()
            switch count {
            case 0: x = number
            case 1: y = number
            case 2: width = number
            case 3: height = number
            default: throw reader.failure("the 4 numbers of a box")
            }
            count += 1
        }
        guard count == 4 else { throw reader.failure("4 numbers of a box before this") }
    }
}

extension Attribute {
    fileprivate init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        let expected = "one of \(Attribute.allCases.map(\.rawValue).joined(separator: ", "))"
        guard let attribute = Attribute(rawValue: try reader.text(expected)) else {
            throw reader.failure("\(expected) before this")
        }
        self = attribute
    }
}
