// Whose turn it is: jobs of one queue share a worker by turns, however long the queue of one's hints is.

/// What each job of a queue has been given, and which one comes next: the one that has had the fewest tasks.
///
/// A job that is new here, or that had nothing to do for a while, begins where the others stand: it comes next, and is
/// owed nothing for the time before.
struct JobTurns {
    private struct Account {
        /// Tasks that the job was given, and those that it was not owed.
        var tasks = 0
        /// The number of its last turn; 0 before the first.
        var lastTurn = 0
    }

    private var accounts: [Int64: Account] = [:]
    private var competing: Set<Int64> = []
    private var turns = 0

    /// The jobs that have claimable work, as far as is known.
    var jobs: Set<Int64> { competing }

    /// Notes which jobs have claimable work now.
    mutating func compete(_ jobs: [Int64]) {
        let now = Set(jobs)
        let stand = accounts.filter { competing.contains($0.key) && now.contains($0.key) }.map(\.value.tasks).min()
        for job in now.subtracting(competing) {
            accounts[job, default: Account()].tasks = max(accounts[job]?.tasks ?? 0, stand ?? 0)
        }
        // An account of a job that is not competing says nothing that its return would not.
        accounts = accounts.filter { now.contains($0.key) }
        competing = now
    }

    /// The job that comes next; `nil` where fewer than two compete, and no turns need to be taken.
    var next: Int64? {
        guard competing.count > 1 else { return nil }
        return competing.min { order($0) < order($1) }
    }

    private func order(_ job: Int64) -> (Int, Int, Int64) {
        let account = accounts[job] ?? Account()
        return (account.tasks, account.lastTurn, job)
    }

    /// Notes that a job was given `tasks`.
    mutating func gave(_ tasks: Int, to job: Int64) {
        guard competing.contains(job) else { return }
        turns += 1
        accounts[job, default: Account()].tasks += tasks
        accounts[job, default: Account()].lastTurn = turns
    }

    /// Notes that a job has nothing claimable after all, until it is found to compete again.
    mutating func drop(_ job: Int64) {
        competing.remove(job)
    }
}
