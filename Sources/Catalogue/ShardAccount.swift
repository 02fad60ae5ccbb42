// One shard's part of the audit equation, as the catalogue counts it.

/// What a shard's row says beside what its tasks and outputs say.
public struct ShardAccount: Sendable, Hashable, Codable {
    /// The shard's row.
    public var id: Int64
    public var number: Int
    public var state: String
    /// Counters of the shard's row.
    public var tasks: Int
    public var done: Int
    public var dead: Int
    public var cancelled: Int
    /// Task rows by state.
    public var counts: [String: Int]
    /// Payload rows.
    public var payloads: Int
    /// Outputs whose bytes are expected to exist.
    public var outputs: Int
    /// Done tasks without such an output, and such outputs without a done task.
    public var unmatched: Int
    /// Leased tasks whose lease does not exist.
    public var unprotected: Int
    /// The state of the shard's pack task, if it has one.
    public var packState: String?
    /// Dead tasks that the job allows per shard.
    public var allowedDead: Int

    /// How many task rows are in `state`.
    public func count(_ state: String) -> Int { counts[state] ?? 0 }

    /// What does not hold, one line each; empty when the account is right.
    public var findings: [String] {
        var findings: [String] = []
        let rows = counts.values.reduce(0, +)
        if rows != tasks { findings.append("expected \(tasks) task rows, found \(rows)") }
        if payloads != tasks { findings.append("expected \(tasks) payloads, found \(payloads)") }
        for (name, counter) in [("done", done), ("dead", dead), ("cancelled", cancelled)] where counter != count(name) {
            findings.append("counter \(name) is \(counter), but \(count(name)) tasks are \(name)")
        }
        if unmatched > 0 { findings.append("\(unmatched) done tasks and outputs do not match") }
        if unprotected > 0 { findings.append("\(unprotected) leased tasks have no lease") }
        findings += stateFindings
        return findings
    }

    private var stateFindings: [String] {
        let isComplete = count("done") + count("dead") == tasks && count("dead") <= allowedDead && count("done") > 0
        switch state {
        case "finished" where !isComplete: return ["it is finished with tasks that are not done"]
        case "generated" where !isComplete: return ["it is generated with tasks that are not done"]
        case "generated" where packState == nil || packState == "done" || packState == "dead":
            return ["it waits to be packed, but no pack task is open"]
        case "open" where isComplete: return ["all its tasks are done, but it is still open"]
        default: return []
        }
    }
}
