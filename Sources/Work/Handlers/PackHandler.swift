// Kind `pack`: one deterministic tar per generated shard, in WebDataset form.

import Archives
public import Catalogue
import Executors
import Failpoints
import Files
import Foundation
public import Stores
public import Tasks

/// Says what stands beside each image of a job with this specification: JSON made of what was recorded. The kind that made
/// the image knows that, and the packer does not.
public typealias ImageDescriber =
    @Sendable (_ specification: String) throws -> @Sendable (_ output: ShardOutput) throws -> [UInt8]

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
    ///   - describer: what stands beside the images.
    public init(
        catalogue: Catalogue, store: any ObjectStore, scratch: ScratchFolder, worker: String, host: String,
        describer: @escaping ImageDescriber = SampleRecord.describer
    ) {
        self.catalogue = catalogue
        packer = Packer(
            store: store, scratch: scratch, place: "worker '\(worker)' on host '\(host)'", describer: describer)
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
            let name = try ArchiveName(job: batch.job.name, number: batch.shardNumber)
            let outcome = try await packer.pack(outputs, of: batch.job, as: name)
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
    private let describer: ImageDescriber

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(
        store: any ObjectStore, scratch: ScratchFolder, place: String,
        describer: @escaping ImageDescriber = SampleRecord.describer
    ) {
        self.store = store
        self.scratch = scratch
        self.place = place
        self.describer = describer
    }

    /// Packs the images of `outputs` into the archive of this name.
    ///
    /// An image that is missing here may be there for another host, so that is a failure like any other: the shard is
    /// tried again, and quarantined only after the last attempt.
    /// - Throws: `WorkPaused` where the disc refuses to be read or written.
    func pack(_ outputs: [ShardOutput], of job: TaskBatch.Job, as name: ArchiveName) throws -> TaskOutcome {
        let describe = try describer(job.specification)
        let file = scratch.newFile()
        // Gone already when the store has taken it.
        defer { unsafe unlink(file.path) }
        do {
            let written = try write(outputs, describing: describe, to: file)
            guard written.lost.isEmpty else { return failure(of: written.lost, among: outputs.count) }
            return try publish(file, samples: outputs.count, bytes: written.bytes, as: name)
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
        _ outputs: [ShardOutput], describing describe: (ShardOutput) throws -> [UInt8], to file: ScratchFile
    ) throws -> (bytes: Int, lost: [Int]) {
        var lost: [Int] = []
        let writer = try TarWriter(path: file.path)
        for (index, output) in outputs.enumerated() {
            if index == outputs.count / 2 { Failpoint.hit("pack.mid-tar") }
            try Task.checkCancellation()
            guard let image = try image(of: output) else {
                lost.append(output.number)
                continue
            }
            try writer.append(name: output.key + ".png", contents: image)
            try writer.append(name: output.key + ".json", contents: try describe(output))
        }
        return (try writer.finish(), lost)
    }

    /// The stored image, or `nil` when its bytes are gone or are not what was recorded.
    private func image(of output: ShardOutput) throws -> [UInt8]? {
        do {
            return try store.read(try ObjectName(output.digest, extension: "png"), size: output.bytes)
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
