// One shard looked at from both sides: its rows, and its files.

import Catalogue
import Stores
import Tasks

/// What is wrong with a shard.
struct ShardInspection: Sendable {
    /// The shard's rows, counted.
    var account: ShardAccount
    /// What it was when its files were read; `nil` when it is gone.
    var contents: ShardContents?
    var bytes: ByteReport

    /// Every finding, rows first.
    func findings(job: String) -> [Finding] {
        let shard = account.number
        let rows = account.findings.map { finding in
            let fix =
                finding.canMend
                ? Finding.reconcile : "restore the rows from a backup, or purge the job and enqueue it again"
            return Finding(
                job: job, shard: shard, finding.what, expected: finding.expected, found: finding.found, fix: fix)
        }
        return rows + fileFindings(job: job)
    }

    /// The findings about archive, objects and results.
    func fileFindings(job: String) -> [Finding] {
        let shard = account.number
        let archives = bytes.archive.map {
            Finding(job: job, shard: shard, $0.what, expected: $0.expected, found: $0.found)
        }
        let images = bytes.images.map { defect in
            Finding(
                job: job, shard: shard, task: defect.output.number, defect.isLost ? "lost image" : "image",
                expected: defect.expected, found: defect.found)
        }
        let results = bytes.results.map { result in
            Finding(
                job: job, shard: shard, task: result.number,
                result.isOwn ? "result" : "result of what follows the shard",
                expected: "bytes with SHA-256 \(result.recorded)", found: "SHA-256 \(result.found)")
        }
        return archives + images + results
    }
}

/// Looks at shards while workers go on.
struct Inspector: Sendable {
    let catalogue: Catalogue
    let files: ShardFiles

    init(catalogue: Catalogue, store: ObjectStore) {
        self.catalogue = catalogue
        files = ShardFiles(store: store)
    }

    /// How often a shard that moves on while it is read is read again.
    private static let patience = 8

    /// Checks a shard's account, and its files and results as they are now.
    func inspect(_ account: ShardAccount, quick: Bool) async throws -> ShardInspection {
        var inspection = try await inspectFiles(of: account, quick: quick)
        if !quick, inspection.contents != nil {
            inspection.bytes.results = try await catalogue.damagedResults(ofShard: account.id)
        }
        return inspection
    }

    private func inspectFiles(of account: ShardAccount, quick: Bool) async throws -> ShardInspection {
        var contents = try await catalogue.contents(ofShard: account.id)
        var report = ByteReport()
        for _ in 0..<Self.patience {
            guard let seen = contents else { break }
            report = try await files.check(seen, quick: quick)
            if report.isClean { break }
            // Packed, collected or made again since its rows were read? Then what is missing may be elsewhere now.
            contents = try await catalogue.contents(ofShard: account.id)
            guard let now = contents else {
                report = ByteReport()
                break
            }
            guard now.row.state == seen.row.state, now.row.digest == seen.row.digest else { continue }
            let recorded = Dictionary(
                now.outputs.map { ($0.number, $0.digest) }, uniquingKeysWith: { first, _ in first })
            report.images.removeAll { recorded[$0.output.number] != $0.output.digest }
            break
        }
        return ShardInspection(account: account, contents: contents, bytes: report)
    }
}
