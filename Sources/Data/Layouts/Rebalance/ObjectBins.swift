// Sorting objects into bins: by category, size or position.

/// The bins of one dimension, for things.
struct ObjectBins {
    /// Above these areas, in square pixels, an object is medium, and large (COCO's evaluation).
    static let sizeBounds = (medium: 32.0 * 32, large: 96.0 * 96)
    private static let sizes = ["small", "medium", "large"]

    /// The bins' names, in order.
    let names: [String]
    private let by: Rebalance.Dimension
    private let grid: Bins
    /// The place of each thing's category among them.
    private let categories: [Int: Int]

    init(_ rebalance: Rebalance, categories: [Category]) {
        by = rebalance.by
        grid = rebalance.grid ?? Bins(columns: 1, rows: 1)
        let things = categories.filter { !$0.isStuff }
        self.categories = Dictionary(things.enumerated().map { ($1.id, $0) }) { first, _ in first }
        let repeated = Dictionary(grouping: things, by: \.name).filter { $0.value.count > 1 }
        let known = things.map { repeated[$0.name] == nil ? $0.name : "\($0.name) (\($0.id))" }
        switch by {
        case .frequency: names = known
        case .size: names = Self.sizes
        case .sizePerCategory: names = known.flatMap { name in Self.sizes.map { "\(name) \($0)" } }
        case .position:
            let columns = 1...grid.columns
            names = (1...grid.rows).flatMap { row in columns.map { "row \(row) column \($0)" } }
        }
    }

    /// Bins that make one whole: those of a category for sizes per category, else all.
    var groups: [Range<Int>] {
        guard by == .sizePerCategory else { return [0..<names.count] }
        return stride(from: 0, to: names.count, by: Self.sizes.count).map { $0..<$0 + Self.sizes.count }
    }

    /// The bin of a thing; nil for stuff.
    /// - Parameters:
    ///   - area: In square pixels of its image, as the merged annotation file states it.
    ///   - center: Of its clipped box, in 0...1 across and down.
    func bin(category: Int, area: Double, center: (x: Double, y: Double)) -> Int? {
        guard let position = categories[category] else { return nil }
        let size = area < Self.sizeBounds.medium ? 0 : area < Self.sizeBounds.large ? 1 : 2
        switch by {
        case .frequency: return position
        case .size: return size
        case .sizePerCategory: return position * Self.sizes.count + size
        case .position:
            let column = min(Int(center.x * Double(grid.columns)), grid.columns - 1)
            return min(Int(center.y * Double(grid.rows)), grid.rows - 1) * grid.columns + column
        }
    }
}

/// The real set in bins: what a detector is trained on without generated images.
struct RealCounts {
    /// Objects of each bin.
    private(set) var objects: [Int]
    /// Images that hold an object of the bin.
    private(set) var images: [Int]
    /// Images of the file.
    let imageCount: Int

    /// Counts the things of an annotation file; crowds, regions to be ignored, and boxes or masks without extent are left
    /// out, as trainers leave them out (mmdetection).
    init(_ set: AnnotationSet, in bins: ObjectBins) {
        objects = Array(repeating: 0, count: bins.names.count)
        images = objects
        imageCount = set.images.count
        let sizes = Dictionary(set.images.map { ($0.id, $0) }) { first, _ in first }
        var seen = Set<ImageBin>()
        let smallest = SubsetRules.smallestBoxSide
        for annotation in set.annotations where !annotation.isCrowd && !annotation.isIgnored && annotation.area > 0 {
            guard annotation.box.width >= smallest, annotation.box.height >= smallest,
                let image = sizes[annotation.imageID]
            else { continue }
            let box = annotation.box.clipped(toWidth: Double(image.width), height: Double(image.height))
            guard box.width > 0, box.height > 0,
                let bin = bins.bin(
                    category: annotation.categoryID, area: annotation.area,
                    center: box.center(in: image.width, image.height))
            else { continue }
            objects[bin] += 1
            if seen.insert(ImageBin(image: image.id, bin: bin)).inserted { images[bin] += 1 }
        }
    }

    private struct ImageBin: Hashable { var image, bin: Int }
}

extension Layout {
    /// The bins of its things in a generated image of `frame`, sorted; equal layouts count alike.
    func pattern(in bins: ObjectBins, frame: (width: Int, height: Int)) -> [Int] {
        objects.compactMap { object in
            bins.bin(
                category: object.categoryID,
                area: object.box.fitted(from: width, height, into: frame.width, frame.height).area,
                center: object.box.center(in: width, height))
        }.sorted()
    }
}

extension Box {
    /// Its center in an image of this size, in 0...1.
    fileprivate func center(in imageWidth: Int, _ imageHeight: Int) -> (x: Double, y: Double) {
        ((x + width / 2) / Double(imageWidth), (y + height / 2) / Double(imageHeight))
    }
}
