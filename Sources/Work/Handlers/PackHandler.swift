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
    /// - Parameters:
    ///   - worker: what people call the worker, for the reasons of failures.
    ///   - host: the host that it runs on, for the same.
    public init(catalogue: Catalogue, store: ObjectStore, worker: String, host: String) {
        self.catalogue = catalogue
        packer = Packer(store: store, place: "worker '\(worker)' on host '\(host)'")
    }

    /// One shard at a time; archives are the same on every device, and only the disc is busy.
    public var description: HandlerDescription {
        HandlerDescription(
            kind: .pack, capability: .archive, maximumBatch: 1, deviceClass: "archive-1", needsDevice: false)
    }

    /// Has nothing to load.
    public func prepare() async throws {}

    /// Computes nothing; the second half packs the shard.
    public func compute(_ batch: DecodedBatch<Void>) async throws -> StoreResults {
        let (catalogue, packer) = (catalogue, packer)
        return {
            let outputs = try await catalogue.outputs(ofShard: batch.shard)
            let path = try packer.store.path(ofShard: batch.job.name, number: batch.shardNumber)
            let outcome = try await packer.pack(outputs, of: batch.job, to: path)
            return batch.items.map { TaskResult(number: $0.number, outcome: outcome) }
        }
    }
}

/// Writes archives on its own thread.
actor Packer {
    private let thread = DedicatedThread(name: "packer")
    nonisolated let store: ObjectStore
    /// Who packs, and where.
    private let place: String

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(store: ObjectStore, place: String) {
        self.store = store
        self.place = place
    }

    /// Packs the images of `outputs` into the archive at `path`, relative to the store.
    ///
    /// An image that is missing here may be there for another host, so that is a failure like any other: the shard is
    /// tried again, and quarantined only after the last attempt.
    /// - Throws: `WorkPaused` where the disc refuses to be read or written.
    func pack(_ outputs: [ShardOutput], of job: TaskBatch.Job, to path: String) throws -> TaskOutcome {
        let specification = try GenerateSpecification(json: job.specification)
        let temporary = store.temporaryPath()
        // Gone already when it got its name.
        defer { unsafe unlink(temporary) }
        do {
            let written = try write(outputs, specification: specification, to: temporary)
            guard written.lost.isEmpty else { return failure(of: written.lost, among: outputs.count) }
            return try publish(temporary, samples: outputs.count, bytes: written.bytes, at: path)
        } catch let error as ArchiveError where error.code.isOfTheSurroundings || error.code == .missing {
            throw WorkPaused(error.description)
        } catch let error as DigestError {
            throw WorkPaused(error.description)
        }
    }

    private func failure(of lost: [Int], among count: Int) -> TaskOutcome {
        let numbers = lost.prefix(5).map(String.init).joined(separator: ", ")
        let reason =
            "\(place): \(lost.count) of \(count) images are missing or corrupt in the object directory "
            + "\(store.root) (tasks \(numbers)); where they are there for other hosts, mend this one's mount and run "
            + "`detdiffusion-catalogue retry`, else run `detdiffusion-catalogue reconcile --fix`"
        return .failed(reason: reason, isPermanent: false)
    }

    /// - Returns: the archive's size, and the tasks whose images cannot be read back.
    private func write(
        _ outputs: [ShardOutput], specification: GenerateSpecification, to temporary: String
    ) throws -> (bytes: Int, lost: [Int]) {
        var lost: [Int] = []
        let writer = try TarWriter(path: temporary)
        for (index, output) in outputs.enumerated() {
            if index == outputs.count / 2 { Failpoint.hit("pack.mid-tar") }
            try Task.checkCancellation()
            guard let image = try image(of: output) else {
                lost.append(output.number)
                continue
            }
            let task = try LayoutTask(decoding: output.payload)
            try writer.append(name: task.key + ".png", contents: image)
            try writer.append(
                name: task.key + ".json", contents: try SampleRecord(task: task, specification: specification).encoded()
            )
        }
        return (try writer.finish(), lost)
    }

    /// The stored image, or `nil` when its bytes are gone or are not what was recorded.
    private func image(of output: ShardOutput) throws -> [UInt8]? {
        do {
            return try store.read(output.digest, size: output.bytes, extension: "png")
        } catch {
            switch error.code {
            case .corrupt: return nil
            case .missing:
                // Without the folder of all objects it is the whole store that is away.
                guard try !pausing({ () throws(StoreError) in try store.hasObjects() }) else { return nil }
                throw WorkPaused(
                    "cannot read \(store.root)/objects: expected the folder of all images, found none; mount the object "
                        + "directory")
            case .full, .readOnly, .away, .foreign, .other: throw WorkPaused(error.description)
            case .invalid: throw error
            }
        }
    }

    /// Re-reads what the disc holds before anybody may see it.
    private func publish(_ temporary: String, samples: Int, bytes: Int, at path: String) throws -> TaskOutcome {
        let archive = try TarReader(path: temporary, size: bytes)
        let members = try archive.members()
        guard members.count == 2 * samples else {
            throw PackError(
                "archive \(path): expected \(2 * samples) members after writing, found \(members.count); check the disc"
            )
        }
        let digest = try SHA256.digest(ofOpenFile: archive.descriptor, size: bytes, path: temporary)
        try pausing { () throws(StoreError) in try store.commit(temporary: temporary, to: path) }
        Failpoint.hit("pack.after-rename")
        return .archive(ArchiveRecord(path: path, digest: digest, bytes: bytes, samples: samples))
    }
}

/// An archive that is not what was written.
struct PackError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
