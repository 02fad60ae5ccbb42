// Made-up tasks, batches and stores for the tests of handlers.

import Digests
import Foundation
import Layouts
import Pixels
import Tasks

@testable import Handlers
@testable import Stores

enum Made {
    static func specification(width: Int = 64, height: Int = 48) -> GenerateSpecification {
        GenerateSpecification(
            annotations: SHA256.digest(of: "a"), subset: .all, strategy: .hard, template: .compact,
            bins: Bins(columns: 256, rows: 256), width: width, height: height, samples: 1, seed: 0, generator: "sketch",
            shardSize: 8)
    }

    /// A task in an original of 200x100 pixels.
    static func task(
        image: Int, boxes: [Box] = [Box(x: 10, y: 5, width: 80, height: 60), Box(x: 90, y: 30, width: 100, height: 50)]
    ) -> LayoutTask {
        let objects = boxes.enumerated().map { index, box in
            LayoutObject(
                annotationID: image * 10 + index, categoryID: 1 + index, category: "cat", box: box, attribute: .hard)
        }
        return LayoutTask(
            layout: Layout(imageID: image, fileName: "\(image).jpg", width: 200, height: 100, objects: objects),
            prompt: "An image with cat", sample: 0, seed: UInt64(image))
    }

    static func batch(
        _ payloads: [[UInt8]], kind: TaskKind = .generate, specification: GenerateSpecification = specification(),
        shard: Int64 = 1
    ) throws -> TaskBatch {
        let json = try specification.canonicalJSON()
        return TaskBatch(
            kind: kind, job: .init(id: 1, name: "made", specification: json, digest: SHA256.digest(of: json)),
            shard: shard, shardNumber: 3, lease: 1,
            items: payloads.enumerated().map { .init(number: 10 + $0, epoch: 1, attempt: 0, payload: $1) })
    }

    /// Runs `body` while a folder of the store is a link to somewhere else.
    static func replacing(
        _ store: FolderStore, _ folder: String, withLinkTo target: String, _ body: () async throws -> Void
    ) async throws {
        let path = store.absolutePath(of: folder)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".aside")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
        try await body()
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.moveItem(atPath: path + ".aside", toPath: path)
    }

    /// Runs `body` with an empty store, which goes afterwards.
    static func withStore<Result>(_ body: (FolderStore) async throws -> Result) async throws -> Result {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("handlers-\(UUID().uuidString)").path
        let identity = StoreIdentity(catalogue: String(repeating: "5", count: 32), place: "made")
        try FolderSite(root).claim(for: identity)
        let result = try await body(try FolderStore(root: root, of: identity))
        try FileManager.default.removeItem(atPath: root)
        return result
    }
}

/// A generator that does to each task what it is told.
struct ScriptedGenerator: Generator {
    var images: @Sendable ([LayoutTask], GenerateSpecification) throws -> [Result<Image, GenerationFailure>]
    var checkpoint: String?

    func describe() -> GeneratorDescription {
        GeneratorDescription(name: "scripted", checkpointDigest: checkpoint, maximumBatch: 4, deviceClass: "none")
    }

    func prepare() async throws {}

    func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) async throws -> [Result<Image, GenerationFailure>] { try images(tasks, specification) }
}

/// The numbers of the tasks that made an image.
func outputs(_ results: [TaskResult]) -> [Int] {
    results.compactMap { if case .image = $0.outcome { $0.number } else { nil } }.sorted()
}

/// The tasks that failed, by number.
func failures(_ results: [TaskResult]) -> [(number: Int, reason: String, isPermanent: Bool)] {
    results.compactMap { result in
        guard case .failed(let reason, let isPermanent) = result.outcome else { return nil }
        return (result.number, reason, isPermanent)
    }.sorted { $0.number < $1.number }
}
