// What a worker is told before it starts.

/// Times and names of one worker process.
public struct WorkerConfiguration: Sendable {
    /// What people call it.
    public var name: String
    /// How long a claim lasts without renewal; renewed every sixth.
    public var lease: Duration
    /// How long a hint is trusted to be on its way before an idle worker hints the shard again.
    public var hintHorizon: Duration
    /// Leave after this long without any work that this worker could serve; `nil` stays forever.
    public var exitWhenIdle: Duration?
    /// How long a drain waits for the batch that is being computed before it gives the batch back.
    public var grace: Duration
    /// How long a failed task waits at most before its second attempt; doubled before each further one,
    /// with full jitter.
    public var retryDelay: Duration
    /// How long a delivery may wait for room before it goes back to the queue.
    public var deliveryPatience: Duration = .seconds(20)

    /// Configures a worker; the defaults suit images that take seconds.
    public init(
        name: String, lease: Duration = .seconds(60), hintHorizon: Duration = .seconds(30),
        exitWhenIdle: Duration? = nil, grace: Duration = .seconds(30), retryDelay: Duration = .seconds(2)
    ) {
        precondition(lease > .zero && hintHorizon > .zero, "a lease and a hint horizon are longer than nothing")
        self.name = name
        self.lease = lease
        self.hintHorizon = hintHorizon
        self.exitWhenIdle = exitWhenIdle
        self.grace = grace
        self.retryDelay = retryDelay
    }
}
