// One thing that does not hold, as people and programs read it.

import ErrorLines

/// Something that an audit or a verification found wrong.
public struct Finding: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The job's name; absent for what belongs to none.
    public var job: String?
    /// The shard's number.
    public var shard: Int?
    /// The task's number in its shard.
    public var task: Int?
    /// What was looked at.
    public var what: String
    /// What would be right.
    public var expected: String
    /// What is there instead.
    public var found: String
    /// What to do.
    public var fix: String

    /// What mends almost everything.
    static let reconcile = "run `detdiffusion-catalogue reconcile --fix`"

    init(
        job: String? = nil, shard: Int? = nil, task: Int? = nil, _ what: String, expected: String, found: String,
        fix: String = Finding.reconcile
    ) {
        self.job = job
        self.shard = shard
        self.task = task
        self.what = ErrorLine.text(what)
        self.expected = ErrorLine.text(expected)
        self.found = ErrorLine.text(found)
        self.fix = fix
    }

    /// One line.
    public var description: String {
        let place = [job.map { "job '\($0)'" }, shard.map { "shard \($0)" }, task.map { "task \($0)" }]
        let prefix = place.compactMap { $0 }.joined(separator: " ")
        return (prefix.isEmpty ? "" : prefix + ": ") + "\(what): expected \(expected), found \(found); \(fix)"
    }
}
