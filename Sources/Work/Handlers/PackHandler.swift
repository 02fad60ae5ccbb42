// Kind `pack`: one deterministic tar per generated shard, in WebDataset form.

import Archives
public import Catalogue
import Executors
import Failpoints
import Files
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
    ///   - scratch: where archives are written before the store takes them.
    ///   - worker: what people call the worker, for the reasons of failures.
    ///   - host: the host that it runs on, for the same.
    public init(
        catalogue: Catalogue, store: any ObjectStore, scratch: ScratchFolder, worker: String, host: String
    ) {
        self.catalogue = catalogue
        packer = Packer(store: store, scratch: scratch, place: "worker '\(worker)' on host '\(host)'")
    }

    /// One shard at a time; archives are the same on every device.
    public var description: HandlerDescription {
        HandlerDescription(kind: .pack, capability: .archive, maximumBatch: 1, deviceClass: "archive-1")
    }

    /// Only the disc is busy.
    public var needsDevice: Bool { false }

    /// Has nothing to load.
    public func prepare() async throws {}

    /// Computes nothing; the second half packs the shard.
    public func compute(_ batch: TaskBatch) async throws -> StoreResults {
        let (catalogue, packer) = (catalogue, packer)
        return {
            let samples = try await catalogue.samples(ofShard: batch.shard)
            let name = try ArchiveName(job: batch.job.name, number: batch.shardNumber)
            let outcome = try await packer.pack(samples, of: batch.job, as: name)
            return batch.items.map { TaskResult(number: $0.number, outcome: outcome) }
        }
    }
}

/// Writes archives on its own thread.
actor Packer {
    private let thread = DedicatedThread(name: "packer")
    private let store: any ObjectStore
    private let scratch: ScratchFolder
    /// Who packs, and where.
    private let place: String

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(store: any ObjectStore, scratch: ScratchFolder, place: String) {
        self.store = store
        self.scratch = scratch
        self.place = place
    }

    /// Packs `samples` into the archive of this name.
    ///
    /// An image that is missing here may be there for another host, so that is a failure like any other: the shard is
    /// tried again, and quarantined only after the last attempt.
    /// - Throws: `WorkPaused` where the disc refuses to be read or written.
    func pack(_ samples: [ShardSample], of job: TaskBatch.Job, as name: ArchiveName) throws -> TaskOutcome {
        let specification = try GenerateSpecification(json: job.specification)
        let file = scratch.newFile()
        // Gone already when the store has taken it.
        defer { unsafe unlink(file.path) }
        do {
            let written = try write(samples, specification: specification, to: file)
            guard written.lost.isEmpty else { return failure(of: written.lost, among: samples.count) }
            return try publish(file, samples: samples.count, bytes: written.bytes, as: name)
        } catch let error as ArchiveError where error.code.isOfTheSurroundings || error.code == .missing {
            throw WorkPaused(error.description)
        } catch let failure as FileFailure where failure.kind != .unexpected {
            throw WorkPaused(failure.line)
        }
    }

    private func failure(of lost: [Int], among count: Int) -> TaskOutcome {
        let numbers = lost.prefix(5).map(String.init).joined(separator: ", ")
        let reason =
            "\(place): \(lost.count) of \(count) images are missing or corrupt in the object directory "
            + "\(store.place) (tasks \(numbers)); where they are there for other hosts, mend this one's mount and run "
            + "`detdiffusion-catalogue retry`, else run `detdiffusion-catalogue reconcile --fix`"
        return .failed(reason: reason, isPermanent: false)
    }

    /// - Returns: the archive's size, and the tasks whose images cannot be read back.
    private func write(
        _ samples: [ShardSample], specification: GenerateSpecification, to file: ScratchFile
    ) throws -> (bytes: Int, lost: [Int]) {
        var lost: [Int] = []
        let writer = try TarWriter(path: file.path)
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
            return try store.read(try ObjectName(sample.digest, extension: "png"), size: sample.bytes)
        } catch {
            switch error.code {
            case .corrupt, .missing: return nil
            case .full, .readOnly, .away, .foreign, .other: throw WorkPaused(error.description)
            case .invalid: throw error
            }
        }
    }

    /// Re-reads what the disc holds before anybody may see it.
    private func publish(
        _ file: ScratchFile, samples: Int, bytes: Int, as name: ArchiveName
    ) throws -> TaskOutcome {
        let written = try RegularFile(path: file.path, size: bytes)
        let members = try TarReader(written).members()
        guard members.count == 2 * samples else {
            throw PackError(
                "archive \(name.key): expected \(2 * samples) members after writing, found \(members.count); check the disc"
            )
        }
        let digest = try written.digest()
        try pausing { () throws(StoreError) in try store.publish(file, as: name, digest: digest) }
        Failpoint.hit("pack.after-rename")
        return .archive(ArchiveRecord(path: name.key, digest: digest, bytes: bytes, samples: samples))
    }
}

/// An archive that is not what was written.
struct PackError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
