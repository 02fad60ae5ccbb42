// Reads and restores the files of shards, on its own thread.

import Archives
import Catalogue
import Digests
import Executors
import Files
import Stores
import Tasks

/// The store as audits see it: one shard's files at a time.
actor ShardFiles {
    private let thread = DedicatedThread(name: "audit")
    private let store: any ObjectStore

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(store: any ObjectStore) { self.store = store }

    /// Looks for every recorded image of a shard.
    /// - Parameter quick: whether sizes and existence are enough.
    func check(_ contents: ShardContents, quick: Bool) throws -> ByteReport {
        contents.row.needsArchive
            ? try checkArchive(contents, quick: quick) : try checkObjects(contents, quick: quick)
    }

    private func checkArchive(_ contents: ShardContents, quick: Bool) throws -> ByteReport {
        let row = contents.row
        guard let recorded = row.tar, let digest = row.digest, let bytes = row.bytes else {
            return ByteReport(
                archive: [("archive", "a recorded path, size and hash", "none")],
                images: try looseDefects(contents, intact: [:]))
        }
        var report = ByteReport()
        // The path follows from job and number; what was recorded is only held against it.
        let name = StoreName.archive(try ArchiveName(job: row.job, number: row.number))
        let tar = name.key
        if recorded != tar { report.archive.append(("recorded archive", tar, recorded)) }
        let entry = try store.entry(name)
        guard let size = entry?.size else {
            let found = entry?.description ?? "none"
            report.archive.append(("archive \(tar)", "a file of \(bytes) bytes", found))
            report.images = try looseDefects(contents, intact: [:])
            return report
        }
        if size != bytes { report.archive.append(("archive \(tar)", "\(bytes) bytes", "\(size) bytes")) }
        if quick && report.archive.isEmpty { return report }
        if size == bytes, case let found = try store.digest(of: name, size: bytes), found != digest {
            report.archive.append(("archive \(tar)", "SHA-256 \(digest)", "\(found)"))
        }
        let inspection = try inspection(of: name)
        report.archive += inspection.defects.map { ("archive \(tar): \($0.what)", $0.expected, $0.found) }
        let keys = contents.outputs.map(\.key)
        if inspection.images.map(\.key) != keys {
            report.archive.append(
                (
                    "archive \(tar)", "the \(keys.count) recorded samples in task order",
                    "\(inspection.images.count) samples, others or in another order"
                ))
        }
        let intact = intactImages(of: inspection)
        if !report.archive.isEmpty || !contents.outputs.allSatisfy({ intact[$0.key] == $0.digest }) {
            report.images = try looseDefects(contents, intact: intact)
        }
        return report
    }

    /// The images of a finished shard that its archive does not hold intact.
    private func looseDefects(
        _ contents: ShardContents, intact: [String: SHA256Digest]
    ) throws -> [ByteReport.Defect] {
        try contents.outputs.compactMap { output in
            if intact[output.key] == output.digest { return nil }
            return ByteReport.Defect(
                output: output, expected: "\(output.key).png with SHA-256 \(output.digest) in the archive",
                found: intact[output.key].map { "SHA-256 \($0)" } ?? "none",
                isLost: try objection(to: output, quick: false) != nil)
        }
    }

    private func checkObjects(_ contents: ShardContents, quick: Bool) throws -> ByteReport {
        var report = ByteReport()
        for output in contents.outputs {
            guard let found = try objection(to: output, quick: quick) else { continue }
            let expected = "an object of \(output.bytes) bytes with SHA-256 \(output.digest)"
            report.images.append(ByteReport.Defect(output: output, expected: expected, found: found, isLost: true))
        }
        guard !report.images.isEmpty else { return report }
        // An earlier archive may hold what the object directory does not.
        let intact = try earlierImages(of: contents)
        for index in report.images.indices {
            let output = report.images[index].output
            report.images[index].isLost = intact[output.key] != output.digest
        }
        return report
    }

    /// What is wrong with a sample's loose object; `nil` when its bytes are there.
    private func objection(to output: ShardOutput, quick: Bool) throws -> String? {
        let name = StoreName.object(try ObjectName(output.digest, extension: "png"))
        guard let entry = try store.entry(name) else { return "none" }
        guard let size = entry.size else { return entry.description }
        guard size == output.bytes else { return "\(size) bytes" }
        if quick { return nil }
        do {
            try store.verify(name, size: output.bytes, digest: output.digest)
            return nil
        } catch {
            switch error.code {
            case .missing: return "none"
            case .corrupt: return "other bytes"
            default: throw error
            }
        }
    }

    private func earlierImages(of contents: ShardContents) throws -> [String: SHA256Digest] {
        let name = StoreName.archive(try ArchiveName(job: contents.row.job, number: contents.row.number))
        guard try store.size(of: name) != nil else { return [:] }
        return intactImages(of: try inspection(of: name))
    }

    /// Reads an archive to its end. One that has gone meanwhile is noted, unless the whole store has.
    private func inspection(of name: StoreName) throws -> ArchiveInspection {
        let reader: any ByteReader
        do {
            reader = try store.open(name, size: nil)
        } catch {
            guard error.code == .missing || error.code == .corrupt else { throw error }
            return ArchiveInspection(unreadable: error.what)
        }
        return try ArchiveInspection(TarReader(reader))
    }

    private func intactImages(of inspection: ArchiveInspection) -> [String: SHA256Digest] {
        Dictionary(inspection.images.map { ($0.key, $0.digest) }, uniquingKeysWith: { first, _ in first })
    }

    /// Stores the intact images of a shard's archive as objects again, so that it can be packed anew.
    /// - Returns: how many were stored; what the object directory has already counts too.
    func restore(_ contents: ShardContents) throws -> Int {
        let name = StoreName.archive(try ArchiveName(job: contents.row.job, number: contents.row.number))
        let digests = Dictionary(contents.outputs.map { ($0.key, $0.digest) }, uniquingKeysWith: { first, _ in first })
        var restored = 0
        do {
            try TarReader(store.open(name, size: nil)).forEachMember { member, bytes in
                guard member.hasSuffix(".png"), let digest = digests[String(member.dropLast(4))],
                    SHA256.digest(of: bytes) == digest
                else { return true }
                _ = try store.put(bytes, extension: "png")
                restored += 1
                return true
            }
        } catch let error as ArchiveError where !error.code.isOfTheSurroundings {
            // A damaged archive gives what it can; what it cannot is lost or loose already.
        } catch let error as StoreError where error.code == .missing || error.code == .corrupt {
            // A missing one gives nothing.
        }
        return restored
    }
}
