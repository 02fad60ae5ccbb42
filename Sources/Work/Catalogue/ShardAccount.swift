// One shard's part of the audit equation, as the catalogue counts it.

/// What a shard's row says beside what its tasks and outputs say.
public struct ShardAccount: Sendable, Hashable, Codable {
    /// The shard's row.
    public var id: Int64
    /// Its number in the job.
    public var number: Int
    /// A `ShardState`.
    public var state: String
    /// How many tasks it has.
    public var tasks: Int
    /// The counter of done tasks.
    public var done: Int
    /// The counter of dead tasks.
    public var dead: Int
    /// The counter of cancelled tasks.
    public var cancelled: Int
    /// Task rows by state.
    public var counts: [String: Int]
    /// Task rows whose numbers the shard does not have.
    public var strays: Int
    /// Payload rows.
    public var payloads: Int
    /// Tasks without a payload row.
    public var bare: Int
    /// Results whose numbers or kinds the shard does not have.
    public var strayResults: Int
    /// Done tasks without an image or result that is not lost, and such images and results without a done task.
    public var unmatched: Int
    /// Leased tasks, those that follow the shard included, whose lease does not exist.
    public var unprotected: Int
    /// Whether it is blocked, though what it waits for is finished.
    public var isMissed: Bool
    /// Whether tasks wait that the shard's row would not let anybody wake in time.
    public var forgets: Bool
    /// The kind that follows the job's shards, if any does.
    public var follow: String?
    /// The state of the shard's task of that kind, if it has one.
    public var followState: String?
    /// Dead tasks that the job allows per shard.
    public var allowedDead: Int
    /// Whether its job was cancelled.
    public var isJobCancelled: Bool
    /// Whether its own row can be: its number, its tasks and where they begin in the job.
    public var isSound: Bool
    /// Whether it was made or hinted, or is due, at times that only a wrong clock or a stranger writes.
    public var isAhead: Bool
    /// Whether its archive has a size or a count of images that cannot be.
    public var hasOddArchive: Bool
    /// Leases that last longer than any worker's.
    public var longLeases: Int
    /// Tasks that wait longer than any failed task.
    public var longWaits: Int
    /// Task rows whose epochs, attempts or deaths cannot be.
    public var oddTasks: Int
    /// Outputs and results whose epochs or sizes cannot be.
    public var oddRecords: Int

    /// How many task rows are in `state`.
    public func count(_ state: String) -> Int { counts[state] ?? 0 }

    /// Whether the task rows add up to the shard's tasks.
    public var isBalanced: Bool { counts.values.reduce(0, +) == tasks && strays == 0 }

    /// What does not hold; empty when the account is right.
    public var findings: [AccountFinding] {
        var findings: [AccountFinding] = []
        func expect(_ what: String, _ expected: String, _ found: String, when wrong: Bool, canMend: Bool = true) {
            guard wrong else { return }
            findings.append(
                AccountFinding(what: what, expected: expected, found: found, canMend: canMend && isSound))
        }
        expect(
            "shard row", "1 to 1000000 tasks and a number below 10000000",
            "\(tasks) tasks and number \(number), or a first task beyond all jobs", when: !isSound, canMend: false)
        let rows = counts.values.reduce(0, +)
        expect("task rows", "\(tasks)", "\(rows)", when: rows != tasks)
        expect("task rows with numbers or kinds beyond the shard", "0", "\(strays)", when: strays > 0)
        expect("payload rows", "\(tasks)", "\(payloads)", when: payloads > tasks)
        expect("tasks without a payload", "0", "\(bare)", when: bare > 0, canMend: false)
        for (name, counter) in [("done", done), ("dead", dead), ("cancelled", cancelled)] {
            expect(
                "counter \(name)", "\(count(name)), as many tasks are \(name)", "\(counter)",
                when: counter != count(name))
        }
        expect("results with numbers or kinds beyond the shard", "0", "\(strayResults)", when: strayResults > 0)
        expect("done tasks and records without one another", "0", "\(unmatched)", when: unmatched > 0)
        expect("leased tasks without a lease", "0", "\(unprotected)", when: unprotected > 0)
        expect("waiting tasks", "a time at which the shard wakes them", "none, or too late", when: forgets)
        expect(
            "times of the shard", "none ahead of the server's clock, due within an hour", "times ahead", when: isAhead)
        expect("leases of over an hour from now", "0", "\(longLeases)", when: longLeases > 0)
        expect("tasks that wait for over an hour from now", "0", "\(longWaits)", when: longWaits > 0)
        expect("task rows whose epochs or attempts cannot be", "0", "\(oddTasks)", when: oddTasks > 0)
        expect("records whose sizes or epochs cannot be", "0", "\(oddRecords)", when: oddRecords > 0)
        expect(
            "archive's row", "a size from 0 on, at most as many images as tasks", "others", when: hasOddArchive)
        if let expected = expectedState { expect("shard state", expected, foundState, when: true) }
        return findings
    }

    private var foundState: String {
        guard let follow, let followState else { return state }
        return "\(state) with a \(follow) task that is \(followState)"
    }

    /// The state that the counts ask for, where it is another than the shard's.
    private var expectedState: String? {
        let isAccountedFor = count("done") + count("dead") == tasks && count("done") > 0
        switch state {
        case "blocked" where isJobCancelled, "open" where isJobCancelled, "generated" where isJobCancelled,
            "quarantined" where isJobCancelled:
            return "cancelled, like its job"
        case "blocked" where isMissed: return "open, since what it waits for is finished"
        case "quarantined": return "finished, or work that leads there"
        case "finished" where !isAccountedFor, "generated" where !isAccountedFor:
            return "open, since not all of its tasks are done"
        case "generated" where !["open", "leased", "waiting"].contains(followState):
            return follow.map { "generated with a \($0) task that is claimable" }
                ?? "finished, since nothing follows it"
        case "open" where isAccountedFor && count("dead") <= allowedDead && count("cancelled") == 0:
            return "\(follow == nil ? "finished" : "generated"), since all of its tasks are done"
        default: return nil
        }
    }
}

/// Something in a shard's rows that does not hold.
public struct AccountFinding: Sendable, Hashable {
    /// What was counted.
    public var what: String
    /// What would be right.
    public var expected: String
    /// What is there instead.
    public var found: String
    /// Whether ``Catalogue/mend(shard:)`` mends it.
    public var canMend: Bool
}
