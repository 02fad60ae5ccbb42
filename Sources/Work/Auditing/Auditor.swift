// The audit: the equation, the counters, and the bytes of every image and result.

public import Catalogue
public import Stores
import Tasks

/// What an audit of one job counted. Encoded with exactly these keys.
public struct JobAudit: Sendable, Hashable, Codable {
    /// The job's name.
    public var job: String
    /// How many shards it has.
    public var shards = 0
    /// Tasks that the job's shards say they have.
    public var tasks = 0
    /// Done task rows; `tasks` is the sum of this and the next five when the equation holds.
    public var done = 0
    /// Task rows given up.
    public var dead = 0
    /// Task rows of a cancelled job.
    public var cancelled = 0
    /// Task rows that workers hold.
    public var leased = 0
    /// Task rows whose back-off is not over.
    public var waiting = 0
    /// Claimable task rows.
    public var open = 0
    /// Recorded images whose bytes are nowhere, and results whose bytes are others.
    public var lost = 0
    /// Images recorded more than once.
    public var doubled = 0
    /// Lines of everything that does not hold.
    public var findings = 0

    /// Whether everything holds.
    public var holds: Bool { findings == 0 && lost == 0 && doubled == 0 && isBalanced }

    /// Whether tasks = done + dead + cancelled + leased + waiting + open.
    public var isBalanced: Bool { tasks == done + dead + cancelled + leased + waiting + open }

    /// The equation with its numbers.
    public var equation: String {
        "tasks \(tasks) \(isBalanced ? "=" : "<>") done \(done) + dead \(dead) + cancelled \(cancelled) "
            + "+ leased \(leased) + waiting \(waiting) + open \(open)"
    }
}

/// Audits jobs at any moment, while workers run or not.
///
/// A job's rows are counted in one snapshot; its files are read shard by shard afterwards, and what is missing there is
/// looked for again in the catalogue before it counts, so that images packed, collected or recorded meanwhile are not
/// taken for lost. No more than one shard's images are in memory.
public struct Auditor: Sendable {
    private let catalogue: Catalogue
    private let inspector: Inspector

    /// Audits `catalogue` against `store`.
    public init(catalogue: Catalogue, store: any ObjectStore) {
        self.catalogue = catalogue
        inspector = Inspector(catalogue: catalogue, store: store)
    }

    /// Audits one job.
    /// - Parameters:
    ///   - quick: whether sizes and existence of files are enough.
    ///   - report: called with every finding as it is made.
    public func audit(_ job: RecordedJob, quick: Bool, report: (Finding) -> Void) async throws -> JobAudit {
        var audit = JobAudit(job: job.name)
        func add(_ finding: Finding) {
            audit.findings += 1
            report(finding)
        }
        if let fault = job.specificationFault {
            add(
                Finding(
                    job: job.name, "specification", expected: "one that workers can read", found: fault,
                    fix: "purge the job and enqueue it again"))
        }
        for account in try await catalogue.accounts(job: job.id) {
            audit.add(account)
            let inspection = try await inspector.inspect(account, quick: quick)
            audit.lost += inspection.bytes.lost.count
            inspection.findings(job: job.name).forEach(add)
        }
        for double in try await catalogue.doubles(job: job.id) {
            audit.doubled += double.extra
            add(
                Finding(
                    job: job.name, "sample \(double.sample) of image \(double.imageID)", expected: "one task",
                    found: "tasks \(double.places) (shard/task)",
                    fix: "\(Finding.reconcile); if it stays, purge the job and enqueue it again"))
        }
        return audit
    }

    /// Looks for rows that belong to no shard.
    public func orphans() async throws -> Finding? {
        let count = try await catalogue.orphans()
        return count == 0
            ? nil
            : Finding(
                "rows of tasks, payloads, outputs and results without a shard", expected: "0", found: "\(count)")
    }

    /// Checks what a job's finished shards hold: archives and results.
    /// - Parameter shard: only this one, by its number.
    /// - Returns: how many shards were checked.
    public func verify(_ job: RecordedJob, shard: Int?, report: (Finding) -> Void) async throws -> Int {
        var checked = 0
        for account in try await catalogue.accounts(job: job.id) where shard == nil || account.number == shard {
            guard account.state == "finished" else { continue }
            checked += 1
            let inspection = try await inspector.inspect(account, quick: false)
            inspection.fileFindings(job: job.name).forEach(report)
        }
        return checked
    }
}

extension RecordedJob {
    /// Why no worker can compute the job; `nil` for other kinds, whose specifications only their own programs read.
    var specificationFault: String? {
        guard kind == TaskKind.generate.rawValue else { return nil }
        do {
            _ = try GenerateSpecification(json: specification)
            return nil
        } catch {
            return error.description
        }
    }
}

extension JobAudit {
    fileprivate mutating func add(_ account: ShardAccount) {
        shards += 1
        tasks += account.tasks
        done += account.count("done")
        dead += account.count("dead")
        cancelled += account.count("cancelled")
        leased += account.count("leased")
        waiting += account.count("waiting")
        open += account.count("open")
    }
}
