// Mending what an audit finds.

public import Catalogue
public import Stores

/// What reconciling one job did, or would do.
public struct Reconciliation: Sendable, Hashable {
    /// Shards that were mended, or would be.
    public var shards = 0
    /// Images and results that are made again.
    public var regenerated = 0
    /// Findings that nothing here can mend.
    public var unmendable = 0

    /// Nothing done.
    public init() {}
}

/// Mends every finding of an ``Auditor`` that the catalogue, the object directory and a seed can mend.
///
/// Rows are set to what is true. An image that is only in a damaged place is restored from the intact one; an image
/// that is nowhere, or a result whose bytes are others, is made again; what follows the shard is done anew. Nothing is
/// given up that still exists: before an archive is dropped, its intact images are objects again. Doing it twice does
/// nothing the second time.
public struct Reconciler: Sendable {
    private let catalogue: Catalogue
    private let inspector: Inspector

    /// Mends `catalogue` and `store`.
    public init(catalogue: Catalogue, store: ObjectStore) {
        self.catalogue = catalogue
        inspector = Inspector(catalogue: catalogue, store: store)
    }

    /// Mends one job.
    /// - Parameters:
    ///   - fix: false to change nothing.
    ///   - report: called with one line per action.
    public func reconcile(_ job: RecordedJob, fix: Bool, report: (String) -> Void) async throws -> Reconciliation {
        var summary = Reconciliation()
        for account in try await catalogue.accounts(job: job.id) {
            let inspection = try await inspector.inspect(account, quick: false)
            summary.unmendable += account.findings.count { !$0.canMend }
            let plan = ShardPlan(inspection, job: job)
            guard !plan.isEmpty else { continue }
            plan.lines(isDone: fix).forEach(report)
            summary.shards += 1
            summary.regenerated += plan.lost.count
            if fix { try await carryOut(plan, inspection: inspection, job: job.name, report: report) }
        }
        if job.specificationFault != nil { summary.unmendable += 1 }
        summary.unmendable += try await catalogue.doubles(job: job.id).count
        return summary
    }

    /// Removes rows that belong to no shard.
    /// - Returns: how many there were.
    public func reconcileOrphans(fix: Bool) async throws -> Int {
        fix ? try await catalogue.removeOrphans() : try await catalogue.orphans()
    }

    /// Restores first, since rows that are taken back make the archive worthless; then the bytes that are lost, so that
    /// nobody packs a shard without them; then the rows.
    private func carryOut(
        _ plan: ShardPlan, inspection: ShardInspection, job: String, report: (String) -> Void
    ) async throws {
        guard let contents = inspection.contents else { return }
        if plan.restores { _ = try await inspector.files.restore(contents) }
        if plan.follows || !plan.lost.isEmpty {
            guard try await catalogue.reopen(contents.row, lost: plan.lost) else {
                report(
                    "job '\(job)' shard \(contents.row.number): it has moved on meanwhile and was left "
                        + "alone; run it again"
                )
                return
            }
        }
        guard plan.mendsRows, let account = try await catalogue.account(shard: contents.row.id),
            account.findings.contains(where: \.canMend)
        else { return }
        try await catalogue.mend(shard: contents.row.id)
    }
}

/// What has to be done about one shard.
struct ShardPlan {
    private let place: String
    private let inspection: ShardInspection
    private let isJobCancelled: Bool

    init(_ inspection: ShardInspection, job: RecordedJob) {
        self.inspection = inspection
        place = "job '\(job.name)' shard \(inspection.account.number)"
        isJobCancelled = job.state == "cancelled"
    }

    /// What has to be made again.
    var lost: [LostRecord] { inspection.bytes.lost }

    /// Whether rows contradict one another.
    var mendsRows: Bool { inspection.account.findings.contains(where: \.canMend) }

    private var isFinished: Bool { inspection.contents?.row.state == "finished" }

    /// Whether what follows the shard is done anew: its archive is dropped, or its result.
    var follows: Bool {
        isFinished && inspection.account.follow != nil && !inspection.bytes.isClean
    }

    /// Whether intact images in an archive become objects again.
    var restores: Bool { !inspection.bytes.isClean || (isFinished && mendsRows) }

    var isEmpty: Bool { !mendsRows && inspection.bytes.isClean }

    /// What is done, one line each.
    func lines(isDone: Bool) -> [String] {
        let prefix = isDone ? "" : "would "
        func line(_ verb: String, _ past: String, _ what: String) -> String {
            "\(place): \(isDone ? past : prefix + verb) \(what)"
        }
        var lines = inspection.account.findings.filter(\.canMend).map {
            line("mend", "mended", "\($0.what): found \($0.found), \($0.expected)")
        }
        for defect in inspection.bytes.images {
            let task = "the image of task \(defect.output.number) (\(defect.output.key))"
            lines.append(
                defect.isLost
                    ? (isJobCancelled
                        ? line("give up", "gave up", "\(task): its bytes are nowhere and its job is cancelled")
                        : line("open", "opened", "\(task), to be made again from its seed"))
                    : line("restore", "restored", "\(task) from its intact copy"))
        }
        for result in inspection.bytes.results {
            let task = "the result of \(result.isOwn ? "task \(result.number)" : "what follows the shard")"
            lines.append(
                isJobCancelled
                    ? line("give up", "gave up", "\(task): its bytes are others and its job is cancelled")
                    : line("open", "opened", "\(task), to be made again"))
        }
        for defect in inspection.bytes.archive {
            lines.append("\(place): \(defect.what): expected \(defect.expected), found \(defect.found)")
        }
        if follows { lines.append(line("do", "asked for", "\(inspection.account.follow ?? "") of the shard anew")) }
        return lines
    }
}
