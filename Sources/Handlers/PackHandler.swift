// Kind `pack`: one deterministic tar per generated shard, in WebDataset form.

import Archives
public import Catalogue
import Digests
import Executors
import Failpoints
import Foundation
public import Stores
public import Tasks

/// Packs a shard's images: rows in task order, each as `<key>.png` and `<key>.json`; synced, re-read, hashed, renamed.
///
/// Packed twice gives identical bytes.
public struct PackHandler: TaskHandler {
    private let catalogue: Catalogue
    private let packer: Packer

    /// Reads what to pack from `catalogue` and writes into `store`.
    public init(catalogue: Catalogue, store: ObjectStore) {
        self.catalogue = catalogue
        packer = Packer(store: store)
    }

    /// One shard at a time; archives are the same on every device.
    public var description: HandlerDescription {
        HandlerDescription(kind: .pack, capability: .archive, maximumBatch: 1, deviceClass: "archive-1")
    }

    /// Has nothing to load.
    public func prepare() async throws {}

    /// Packs the shard; there is nothing left to store afterwards.
    public func compute(_ batch: TaskBatch) async throws -> StoreResults {
        let samples = try await catalogue.samples(ofShard: batch.shard)
        let path = try packer.store.path(ofShard: batch.job.name, number: batch.shardNumber)
        let outcome = try await packer.pack(samples, of: batch.job, to: path)
        let results = batch.items.map { TaskResult(number: $0.number, outcome: outcome) }
        return { results }
    }
}

/// Writes archives on a thread of its own.
actor Packer {
    private let thread = DedicatedThread(name: "packer")
    nonisolated let store: ObjectStore

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(store: ObjectStore) { self.store = store }

    /// Packs `samples` into the archive at `path`, relative to the store.
    func pack(_ samples: [ShardSample], of job: TaskBatch.Job, to path: String) throws -> TaskOutcome {
        let specification = try GenerateSpecification(json: job.specification)
        let temporary = store.temporaryPath()
        // Gone already when it got its name.
        defer { unsafe unlink(temporary) }
        let written: (bytes: Int, lost: [Int])
        do {
            written = try write(samples, specification: specification, to: temporary)
        } catch let error as ArchiveError where error.code.isOfTheDisc {
            throw WorkPaused(error.description)
        }
        guard written.lost.isEmpty else {
            let numbers = written.lost.prefix(5).map(String.init).joined(separator: ", ")
            let reason =
                "\(written.lost.count) of \(samples.count) images are missing or corrupt in the object "
                + "directory (tasks \(numbers)); run `detdiffusion-catalogue reconcile --fix`"
            return .failed(reason: reason, isPermanent: true)
        }
        return try publish(temporary, samples: samples.count, bytes: written.bytes, at: path)
    }

    /// - Returns: the archive's size, and the tasks whose images cannot be read back.
    private func write(
        _ samples: [ShardSample], specification: GenerateSpecification, to temporary: String
    ) throws -> (bytes: Int, lost: [Int]) {
        var lost: [Int] = []
        let writer = try TarWriter(path: temporary)
        for (index, sample) in samples.enumerated() {
            if index == samples.count / 2 { Failpoint.hit("pack.mid-tar") }
            try Task.checkCancellation()
            guard let image = try image(of: sample) else {
                lost.append(sample.number)
                continue
            }
            let task = try LayoutTask(decoding: sample.payload)
            try writer.append(name: task.key + ".png", contents: image)
            try writer.append(
                name: task.key + ".json", contents: try SampleRecord(task: task, specification: specification).encoded()
            )
        }
        return (try writer.finish(), lost)
    }

    /// The stored image, or `nil` when its bytes are gone or are not what was recorded.
    private func image(of sample: ShardSample) throws -> [UInt8]? {
        do {
            return try store.read(sample.digest, extension: "png")
        } catch {
            guard error.code == .missing || error.code == .corrupt else { throw error }
            return nil
        }
    }

    /// Re-reads what the disc holds before anybody may see it.
    private func publish(_ temporary: String, samples: Int, bytes: Int, at path: String) throws -> TaskOutcome {
        let members = try TarReader.members(of: temporary)
        guard members.count == 2 * samples else {
            throw PackError(
                "archive \(path): expected \(2 * samples) members after writing, found \(members.count); check the disc"
            )
        }
        let digest = try SHA256.digest(ofFileAt: temporary)
        try pausing { () throws(StoreError) in try store.commit(temporary: temporary, to: path) }
        Failpoint.hit("pack.after-rename")
        return .archive(ArchiveRecord(path: path, digest: digest, bytes: bytes, samples: samples))
    }
}

extension ArchiveError.Code {
    /// Whether the system refused, and not the archive's contents.
    fileprivate var isOfTheDisc: Bool {
        switch self {
        case .full, .missing, .system: true
        case .truncated, .checksum, .notUstar, .unsupportedMember, .invalidName, .tooLarge: false
        }
    }
}

/// An archive that is not what was written.
struct PackError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
