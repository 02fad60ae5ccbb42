// How many lines of a program reach the log: a bucket of tokens, as a pure value.

/// Lets `burst` lines through at once and `perSecond` in the long run.
struct LogThrottle: Sendable {
    private let burst: Double
    private let perSecond: Double
    private var tokens: Double
    private var last: ContinuousClock.Instant
    /// Lines refused since the last one that was let through.
    private(set) var refused = 0

    init(burst: Int, perSecond: Double, now: ContinuousClock.Instant) {
        self.burst = Double(burst)
        self.perSecond = perSecond
        tokens = Double(burst)
        last = now
    }

    /// How many lines were left out before this one, or `nil` when this one is left out, too.
    mutating func admit(at now: ContinuousClock.Instant) -> Int? {
        tokens = min(burst, tokens + perSecond * (last.duration(to: now) / .seconds(1)))
        last = now
        guard tokens >= 1 else {
            refused += 1
            return nil
        }
        tokens -= 1
        defer { refused = 0 }
        return refused
    }
}
