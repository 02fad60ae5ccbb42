// `audit`, `verify`, `reconcile`, `gc`: whether everything is where the catalogue says, and mending what is not.

import ArgumentParser
import Auditing
import Catalogue
import Console
import ErrorLines
import Foundation
import Stores

/// Which jobs, and where their files are.
struct TrustOptions: ParsableArguments {
    @Option(help: "Only this job.") var job: String?
    @OptionGroup var store: StoreOptions
    @OptionGroup var options: CatalogueOptions

    /// The job that was named, or all of them in the order of their creation.
    func jobs(in catalogue: Catalogue) async throws -> [RecordedJob] {
        if let job { return [try await catalogue.job(named: job)] }
        var jobs: [RecordedJob] = []
        for summary in try await catalogue.jobs() { jobs.append(try await catalogue.job(named: summary.job)) }
        return jobs
    }
}

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Checks the equation of tasks, the counters, and the bytes of every image and result by their hash.",
        discussion: """
            Right at any moment, also while workers run. Exit 0 when everything holds, 1 with one line per finding otherwise. \
            With --json one object per job, and one per finding, which has a key 'what'.
            """)

    @Flag(help: "Only rows, sizes and existence of files; hashes nothing.") var quick = false
    @Flag(help: "One JSON object per line.") var json = false
    @OptionGroup var trust: TrustOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let catalogue = try await trust.options.open()
            let auditor = Auditor(
                catalogue: catalogue, store: try await trust.store.open(of: catalogue, for: .reading))
            let output = FindingOutput(json: json)
            var holds = true
            for job in try await trust.jobs(in: catalogue) {
                let audit = try await auditor.audit(job, quick: quick, report: output.write)
                holds = holds && audit.holds
                try show(audit)
                if !json, let wait = try await catalogue.wait(of: job.id) { tell("job '\(job.name)': \(wait)") }
            }
            if let orphans = try await auditor.orphans() {
                holds = false
                output.write(orphans)
            }
            if !json { tell(holds ? "audit: everything holds" : "audit: it does not hold") }
            if !holds { throw fail() }
        }
    }

    private func show(_ audit: JobAudit) throws {
        if json { return try JSONLines().write(audit) }
        tell("job '\(audit.job)': \(audit.equation)")
        tell("job '\(audit.job)': lost \(audit.lost), doubled \(audit.doubled)")
    }
}

/// Prints findings, one line each.
private struct FindingOutput {
    var json: Bool

    func write(_ finding: Finding) {
        guard json else { return tell(finding.description) }
        do {
            try JSONLines().write(finding)
        } catch {
            preconditionFailure("a finding holds nothing that JSON cannot: \(error)")
        }
    }
}

struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Checks finished shards' archives against the catalogue, or the tar files that are given by themselves.",
        usage: """
            detdiffusion-catalogue verify --job NAME [--shard N]
            detdiffusion-catalogue verify FILE.tar ...
            """)

    @Argument(help: ArgumentHelp("Tar files, which need no servers.", valueName: "file.tar")) var files: [String] = []
    @Option(help: "Only the shard with this number.") var shard: Int?
    @OptionGroup var trust: TrustOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard files.isEmpty != (trust.job == nil) else {
                throw CommandError(
                    .usage, "verify: expected --job NAME or tar files, found \(files.isEmpty ? "neither" : "both")")
            }
            let findings = files.isEmpty ? try await verifyJob() : try verifyFiles()
            if findings > 0 { throw fail() }
        }
    }

    private func verifyFiles() throws -> Int {
        var findings = 0
        for file in files {
            let inspection: [Finding]
            do {
                inspection = try ArchiveInspection.findings(inFileAt: file)
            } catch {
                throw CommandError(.noInput, "\(error)")
            }
            inspection.forEach { tell($0.description) }
            findings += inspection.count
            if inspection.isEmpty { tell("\(file): good") }
        }
        return findings
    }

    private func verifyJob() async throws -> Int {
        let catalogue = try await trust.options.open()
        let auditor = Auditor(
            catalogue: catalogue, store: try await trust.store.open(of: catalogue, for: .reading))
        var findings = 0, checked = 0
        for job in try await trust.jobs(in: catalogue) {
            checked += try await auditor.verify(job, shard: shard) { finding in
                findings += 1
                tell(finding.description)
            }
        }
        if let shard, checked == 0 {
            throw CommandError(
                .refused,
                "verify: expected shard \(shard) to be a finished shard of job '\(trust.job ?? "")', "
                    + "found none; `detdiffusion-catalogue shards` lists them"
            )
        }
        tell("\(Format.count(checked)) finished shards checked, \(Format.count(findings)) findings")
        return findings
    }
}

struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract:
            "Mends what `audit` finds: rows, leases, lost images and results (made again), archives (packed anew).",
        discussion: """
            Prints one line per action. Exit 1 when something remains that cannot be mended here, and for --dry-run when \
            there is something to mend.
            """)

    @Flag(help: "Only say what would be done.") var dryRun = false
    @Flag(help: "Do it.") var fix = false
    @OptionGroup var trust: TrustOptions
    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard dryRun != fix else {
                throw CommandError(
                    .usage, "reconcile: expected --dry-run or --fix, found \(dryRun ? "both" : "neither")")
            }
            if fix { try await broker.requireAcceptance() }
            let catalogue = try await trust.options.open()
            let store = try await trust.store.open(of: catalogue, for: fix ? .writing : .reading)
            let reconciler = Reconciler(catalogue: catalogue, store: store)
            let orphans = try await reconciler.reconcileOrphans(fix: fix)
            if orphans > 0 {
                tell("\(fix ? "removed" : "would remove") \(Format.count(orphans)) rows without a shard")
            }
            var total = Reconciliation()
            for job in try await trust.jobs(in: catalogue) {
                let done = try await reconciler.reconcile(job, fix: fix) { tell($0) }
                total.shards += done.shards
                total.regenerated += done.regenerated
                total.unmendable += done.unmendable
                if fix && done.shards > 0 { try await hint(job, in: catalogue) }
            }
            tell(
                "\(Format.count(total.shards)) shards \(fix ? "mended" : "to mend"), "
                    + "\(Format.count(total.regenerated)) images and results lost, \(Format.count(total.unmendable)) "
                    + "findings that cannot be mended here"
            )
            if total.unmendable > 0 || (dryRun && total.shards + orphans > 0) { throw fail() }
        }
    }

    private func hint(_ job: RecordedJob, in catalogue: Catalogue) async throws {
        let targets = try await catalogue.claimable(job: job.id)
        if !targets.isEmpty { try await broker.announce(targets, logging: trust.options.logging) }
    }
}

struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract:
            "Removes loose images that are in finished archives or belong to nothing, and what crashes and purges left.",
        discussion: "What this catalogue never knew stays, and is counted: archives of other jobs, and foreign files.")

    @Option(help: ArgumentHelp("Keep files younger than this; 0 only where no worker runs.", valueName: "seconds"))
    var olderThan = 3600
    @Flag(help: "Only count.") var dryRun = false
    @Flag(help: "Hash each archive before its loose images go; otherwise its size is enough.") var verify = false
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard olderThan >= 0 else {
                throw CommandError(.usage, "--older-than: expected 0 seconds or more, found \(olderThan)")
            }
            let catalogue = try await options.open()
            let collection = GarbageCollection(
                catalogue: catalogue, store: try await store.open(of: catalogue, for: dryRun ? .reading : .writing),
                limit: .seconds(olderThan), isDryRun: dryRun)
            let report = try await collection.run(verify: verify)
            if json { return try JSONLines().write(report) }
            let verb = dryRun ? "would remove" : "removed"
            tell("\(verb) \(Format.count(report.objects)) objects (\(Format.bytes(report.objectBytes)))")
            tell(
                "\(verb) \(Format.count(report.temporaries)) temporary files (\(Format.bytes(report.temporaryBytes)))")
            tell(
                "\(verb) \(Format.count(report.archives)) archives of purged or cancelled work "
                    + "(\(Format.bytes(report.archiveBytes)))"
            )
            if report.doubtfulArchives > 0 {
                remark(
                    "\(Format.count(report.doubtfulArchives)) finished archives are not what was "
                        + "recorded, so their loose images stay; run `detdiffusion-catalogue audit`"
                )
            }
            if report.foreign > 0 {
                let more = report.foreign > report.foreignExamples.count ? ", …" : ""
                remark(
                    "\(Format.count(report.foreign)) files or folders are not this catalogue's, so they stay: "
                        + report.foreignExamples.map { ErrorLine.text($0) }.joined(separator: ", ") + more)
            }
        }
    }
}
