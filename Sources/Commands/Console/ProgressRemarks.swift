// How far a long command has come, said now and then.

/// Decides when progress is worth a line: not before the command has taken a while, and not again before another.
public struct ProgressRemarks {
    private let interval: Duration
    private var last: ContinuousClock.Instant

    /// Begins to wait.
    public init(every interval: Duration = .seconds(2), from start: ContinuousClock.Instant = .now) {
        self.interval = interval
        last = start
    }

    /// The line to say now; `nil` while there is no need to.
    /// - Parameter what: what is counted, in the plural.
    public mutating func line(
        _ subject: String, _ done: Int, of total: Int, _ what: String, at now: ContinuousClock.Instant = .now
    ) -> String? {
        guard last.duration(to: now) >= interval else { return nil }
        last = now
        return "\(subject): \(Format.count(done)) of \(Format.count(total)) \(what)"
    }
}
