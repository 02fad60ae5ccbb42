// `sheet`: a contact sheet of a job's images with their boxes.

public import Catalogue
import Layouts
public import Pixels
public import Stores
import Tasks

/// Draws a contact sheet of a job's generated images, an even spread over the job.
public struct JobSheet: Sendable {
    /// How many images, at most.
    public var count: Int
    /// Images in a row.
    public var columns: Int

    private let catalogue: Catalogue
    private let store: any ObjectStore

    /// A sheet of at most `count` images, whose bytes lie in `store`.
    public init(count: Int, columns: Int, catalogue: Catalogue, store: any ObjectStore) {
        precondition(count > 0 && columns > 0, "a sheet has images and columns")
        self.count = count
        self.columns = columns
        self.catalogue = catalogue
        self.store = store
    }

    /// Draws the sheet of the job with this name.
    ///
    /// Throws ``ExportError`` with code `refused` while the job has no image.
    public func draw(job name: String) async throws -> Image {
        let source = try await ExportSource.load(job: name, from: catalogue, allowingIncomplete: true)
        let rows = try await catalogue.shardRows(job: source.job.id)
        let total = rows.reduce(0) { $0 + $1.done }
        var tiles: [ContactSheet.Tile] = []
        var first = 0
        var wanted = EvenSpread.indices(count, of: total)[...]
        for shard in rows where !wanted.isEmpty {
            let here = wanted.prefix { $0 < first + shard.done }
            if !here.isEmpty {
                tiles += try await self.tiles(here.map { $0 - first }, of: shard, specification: source.specification)
            }
            wanted = wanted.dropFirst(here.count)
            first += shard.done
        }
        guard !tiles.isEmpty else {
            throw ExportError(
                .refused,
                "cannot draw a sheet of the job '\(name)': expected generated images, found none; wait "
                    + "for the first ones"
            )
        }
        let tasks = rows.reduce(0) { $0 + $1.tasks }
        return ContactSheet(
            title: name, subtitle: Self.subtitle(source, shards: rows.count, done: total, tasks: tasks), tiles: tiles,
            columns: columns, tileWidth: 400
        ).rendered()
    }

    private static func subtitle(_ source: ExportSource, shards: Int, done: Int, tasks: Int) -> String {
        let specification = source.specification
        return [
            "strategy \(specification.strategy.rawValue)", "generator \(specification.generator)",
            "\(specification.width)x\(specification.height)", "\(done) of \(tasks) images",
            "\(source.shards.count) of \(shards) shards finished",
        ].joined(separator: "  |  ")
    }

    private func tiles(
        _ places: [Int], of shard: ShardRow, specification: GenerateSpecification
    ) async throws -> [ContactSheet.Tile] {
        let outputs = try await catalogue.outputs(ofShard: shard.id)
        let archive = shard.needsArchive ? try ShardArchive(shard, in: store) : nil
        // An image that was lost since the shard was counted is simply not there to be shown.
        return try places.filter { $0 < outputs.count }.map { place in
            let output = outputs[place]
            let task = try output.task()
            let png: [UInt8] =
                if let archive {
                    try archive.image(task.key, digest: output.digest)
                } else {
                    try store.read(try ObjectName(output.digest, extension: "png"), size: output.bytes)
                }
            return Self.tile(try Image(png: png), task: task, specification: specification)
        }
    }

    /// A category's name as the sheet's font can write it, or its id where that font has no letters for it.
    private static func label(of object: LayoutObject) -> String {
        let spelled = BitmapFont.spelled(object.category)
        return BitmapFont.has(spelled) ? spelled : "#\(object.categoryID)"
    }

    private static func tile(
        _ image: Image, task: LayoutTask, specification: GenerateSpecification
    ) -> ContactSheet.Tile {
        let boxes = task.layout.boxes(inWidth: specification.width, height: specification.height)
        let labelled = zip(task.layout.objects, boxes).map { object, box in
            LabelledBox(
                rectangle: Rectangle(roundingX: box.x, y: box.y, width: box.width, height: box.height),
                label: label(of: object), color: object.attribute.color)
        }
        let counts = Attribute.allCases.compactMap { attribute in
            let count = task.layout.objects.count { $0.attribute == attribute }
            return count == 0 ? nil : "\(count) \(attribute.rawValue)"
        }
        let caption = "\(task.key)\n\(counts.joined(separator: ", ")), seed \(task.seed)"
        return ContactSheet.Tile(image: image, boxes: labelled, caption: caption)
    }
}

extension Attribute {
    /// How contact sheets draw it: easy green, hard red, background gray.
    var color: Color {
        switch self {
        case .easy: .easyGreen
        case .hard: .hardRed
        case .background: .backgroundGray
        }
    }
}

/// Picks places spread evenly over a run.
enum EvenSpread {
    /// At most `count` increasing indices of `0..<total`, the first and the last among them where there are
    /// two or more.
    static func indices(_ count: Int, of total: Int) -> [Int] {
        guard count < total else { return Array(0..<max(total, 0)) }
        guard count > 1 else { return count == 1 ? [0] : [] }
        return (0..<count).map { $0 * (total - 1) / (count - 1) }
    }
}
