// The JSON of an example set, image by image.

import JSON

/// Writes a set in pieces: each image is drawn twice from its own seed, once for each section, so nothing is kept.
struct ExampleWriter {
    let seed: UInt64
    let images: Int
    /// The number of annotations, spread evenly; `nil` for varied numbers of objects.
    let annotations: Int?
    /// Whether polygons have as many corners as COCO's have on average.
    let longPolygons: Bool

    /// Sends the whole file to `sink`, at most a few hundred kilobytes at a time, until it throws.
    func write<Failure: Error>(to sink: ([UInt8]) throws(Failure) -> Void) throws(Failure) {
        var text = JSONText()
        // The words are part of the bytes that a seed promises, and of the identity of jobs made with them.
        text.append(
            "{\"info\": {\"description\": \"Generated sample of detdiffusion, seed \(seed)\", \"version\": \"1\"}, "
                + "\"licenses\": [], \"images\": [")
        try forEachImage { image throws(Failure) in
            text.append(image.index > 0 ? ", " : "")
            append(image, to: &text)
            try flush(&text, to: sink, above: 1 << 16)
        }
        text.append("], \"annotations\": [")
        var isFirst = true
        try forEachImage { image throws(Failure) in
            for object in image.objects {
                text.append(isFirst ? "" : ", ")
                isFirst = false
                append(object, of: image, to: &text)
            }
            try flush(&text, to: sink, above: 1 << 16)
        }
        text.append("], \"categories\": [")
        for (index, category) in CocoCategories.things.enumerated() {
            text.append(index > 0 ? ", " : "")
            text.append(
                "{\"supercategory\": \"\(category.supercategory ?? "")\", \"id\": \(category.id), \"name\": "
                    + "\"\(category.name)\"}")
        }
        text.append("]}\n")
        try flush(&text, to: sink, above: 0)
    }

    private func flush<Failure: Error>(
        _ text: inout JSONText, to sink: ([UInt8]) throws(Failure) -> Void, above size: Int
    ) throws(Failure) {
        guard text.bytes.count > size else { return }
        try sink(text.bytes)
        text.removeAll()
    }

    /// Draws the images in order.
    func forEachImage<Failure: Error>(_ body: (ExampleImage) throws(Failure) -> Void) throws(Failure) {
        var next = 1
        for index in 0..<images {
            let count = annotations.map { $0 * (index + 1) / images - $0 * index / images }
            let image = ExampleImage(seed: seed, index: index, objectCount: count, firstAnnotation: next)
            next += image.objects.count
            try body(image)
        }
    }

    private func append(_ image: ExampleImage, to text: inout JSONText) {
        text.append("{\"file_name\": \"\(image.fileName)\", \"height\": \(image.height), \"width\": \(image.width), ")
        if longPolygons {
            // The keys that COCO's images have beside these, for a file of COCO's size.
            let file = image.fileName
            text.append(
                "\"license\": 3, \"coco_url\": \"http://images.example.org/train2017/\(file)\", \"date_captured\": "
                    + "\"2013-11-14 11:18:45\", \"flickr_url\": \"http://images.example.org/original/0000/\(file)\", ")
        }
        text.append("\"id\": \(image.id)}")
    }

    private func append(_ object: ExampleImage.Object, of image: ExampleImage, to text: inout JSONText) {
        text.append("{\"segmentation\": ")
        let area = object.kind == .crowd ? appendRuns(object, of: image, to: &text) : appendPolygon(object, to: &text)
        text.append(", \"area\": ")
        Self.appendDecimal(object.kind == .empty ? 0 : area, digits: 4, to: &text)
        text.append(", \"iscrowd\": \(object.kind == .crowd ? 1 : 0), \"image_id\": \(image.id), \"bbox\": [")
        for (place, number) in [object.x, object.y, object.width, object.height].enumerated() {
            text.append(place > 0 ? ", " : "")
            Self.appendDecimal(number, digits: 2, to: &text)
        }
        text.append("], \"category_id\": \(object.category), \"id\": \(object.id)}")
    }

    /// Appends an octagon in the box, its corners cut by a quarter; returns its area in ten-thousandths of
    /// a square pixel.
    ///
    /// A long polygon repeats points along the octagon's edges up to COCO's average number.
    private func appendPolygon(_ object: ExampleImage.Object, to text: inout JSONText) -> Int {
        let (cutX, cutY) = (object.width / 4, object.height / 4)
        let (left, top, right, bottom) = (object.x, object.y, object.x + object.width, object.y + object.height)
        let corners = [
            (left + cutX, top), (right - cutX, top), (right, top + cutY), (right, bottom - cutY),
            (right - cutX, bottom),
            (left + cutX, bottom), (left, bottom - cutY), (left, top + cutY),
        ]
        let pointsPerEdge = longPolygons ? [1, 1, 2, 5][object.id % 4] : 1
        text.append("[[")
        for (place, corner) in corners.enumerated() {
            let next = corners[(place + 1) % corners.count]
            for step in 0..<pointsPerEdge {
                text.append(place + step > 0 ? ", " : "")
                Self.appendDecimal(corner.0 + (next.0 - corner.0) * step / pointsPerEdge, digits: 2, to: &text)
                text.append(", ")
                Self.appendDecimal(corner.1 + (next.1 - corner.1) * step / pointsPerEdge, digits: 2, to: &text)
            }
        }
        text.append("]]")
        return object.width * object.height - 2 * cutX * cutY
    }

    /// Appends run lengths of a rectangle, column by column as pycocotools reads them; returns its
    /// area in ten-thousandths.
    private func appendRuns(_ object: ExampleImage.Object, of image: ExampleImage, to text: inout JSONText) -> Int {
        let left = min(max(object.x / 100, 0), image.width - 1)
        let top = min(max(object.y / 100, 0), image.height - 2)
        let columns = min(max(object.width / 100, 1), image.width - left)
        // One row less than the image at most, so that no run of a column is empty.
        let rows = min(max(object.height / 100, 1), image.height - 1 - top)
        let begin = left * image.height + top
        text.append("{\"counts\": [\(begin), \(rows)")
        for _ in 1..<max(columns, 1) { text.append(", \(image.height - rows), \(rows)") }
        let end = begin + (columns - 1) * image.height + rows
        text.append(", \(image.width * image.height - end)], \"size\": [\(image.height), \(image.width)]}")
        return rows * columns * 10_000
    }

    /// Appends `number / 10^digits` in decimals without trailing zeros; whole numbers with `.0`, as
    /// Python writes floats.
    static func appendDecimal(_ number: Int, digits: Int, to text: inout JSONText) {
        let scale = digits == 2 ? 100 : 10_000
        text.append("\(number / scale).")
        var fraction = String(number % scale + scale).dropFirst()
        while fraction.count > 1, fraction.last == "0" { fraction = fraction.dropLast() }
        text.append(String(fraction))
    }
}
