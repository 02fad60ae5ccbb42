// How long to wait before the next try: exponential growth with full jitter.

/// Exponential back-off with full jitter: before try `n` (0-based) a delay drawn evenly from
/// `0 ... min(cap, base * 2^n)`.
///
/// Full jitter spreads clients that failed together (Brooker, "Exponential Backoff And Jitter", 2015).
public struct Backoff: Sendable, Hashable {
    /// The upper bound of the first delay.
    public var base: Duration
    /// The largest upper bound.
    public var cap: Duration

    /// Makes a policy.
    public init(base: Duration = .milliseconds(100), cap: Duration = .seconds(15)) {
        precondition(base > .zero && cap >= base, "a back-off needs 0 < base <= cap")
        self.base = base
        self.cap = cap
    }

    /// The largest delay that may be drawn before try `attempt` (0-based).
    public func bound(attempt: Int) -> Duration {
        let doublings = min(max(attempt, 0), 30)
        return min(cap, base * (1 << doublings))
    }

    /// Draws the delay before try `attempt` (0-based).
    public func delay(attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        bound(attempt: attempt) * Double.random(in: 0...1, using: &generator)
    }

    /// Draws the delay before try `attempt` (0-based) from the system's generator.
    public func delay(attempt: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return delay(attempt: attempt, using: &generator)
    }
}
