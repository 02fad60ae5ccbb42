// Publishing with confirms: a message counts as published when the broker has taken responsibility for it.

import Executors
public import Logging
import Synchronization

/// Publishes messages and knows when the broker has them.
///
/// Delivery is at least once: what was unconfirmed when a connection was lost is sent again over the next one.
/// ``run()`` must run for as long as anything is published. Every call of `publish` ends: with its confirms, with its
/// first failure, at its deadline, when its task is cancelled, or when ``run()`` ends.
public final class Publisher: Sendable {
    private let url: BrokerURL
    private let topology: Topology
    private let window: Int
    private let name: String
    private let logger: Logger
    private let reportsOutages: Bool
    private let state = PublisherState()
    private let control = ConnectionControl()

    /// Makes a publisher; it connects when ``run()`` is called.
    /// - Parameters:
    ///   - topology: declared on every connection.
    ///   - window: how many messages may be unconfirmed at a time; 512 to 2048 is fastest.
    ///   - name: what the broker's list of connections shows.
    ///   - reportsOutages: whether an outage of the broker is logged as a warning; not where a consumer beside it or
    ///     the caller says so.
    public init(
        url: BrokerURL, topology: Topology, window: Int = 1024, name: String = "detdiffusion publisher",
        reportsOutages: Bool = true, logger: Logger
    ) {
        precondition(window > 0, "a publisher needs a window of at least one message")
        self.url = url
        self.topology = topology
        self.window = window
        self.name = name
        self.reportsOutages = reportsOutages
        self.logger = logger
    }

    /// True while a connection is open.
    public var isConnected: Bool { control.isConnected }

    /// Owns the connection, and makes it anew with full jitter, until the task is cancelled; call it once.
    ///
    /// Returns within two seconds of the cancellation.
    /// - Throws: ``BrokerError`` when the first connection fails for a reason that waiting cannot mend:
    ///   authentication, TLS, virtual host, or a topology that the broker refuses.
    public func run() async throws {
        let wasRunning = state.contents.withLock { contents in
            defer { contents.isRunning = true }
            return contents.isRunning || contents.ledger.closedBy != nil
        }
        precondition(!wasRunning, "a publisher runs once")
        let role = PublisherRole(name: name, state: state, topology: topology, window: window, logger: logger)
        let loop = ConnectionLoop(
            url: url, control: control, logger: logger, reportsOutages: reportsOutages, threadName: "amqp-publisher",
            role: role)
        try await withTaskCancellationHandler {
            try await loop.serve()
        } onCancel: {
            control.stop()
        }
    }

    /// Publishes messages; returns when all are confirmed.
    ///
    /// - Parameter deadline: how long it may take, waiting for a connection included.
    /// - Throws: ``BrokerError`` saying how many were confirmed: `unroutable`, `nacked`, `closed` for what the broker
    ///   refused; `unavailable` at the deadline; `authentication` and `tls` at once; `stopped` when ``run()`` ended or
    ///   the task was cancelled. Messages that were not confirmed may still have reached their queue.
    public func publish(_ messages: [OutgoingMessage], deadline: Duration) async throws(BrokerError) {
        let batch = try begin(messages) { _ in }
        try await settle(batch, deadline: deadline, described: "\(messages.count) messages")
    }

    /// Publishes a sequence of any length in order, and tells of every confirm.
    ///
    /// The sequence is read as the broker confirms: at most two windows ahead.
    /// - Parameters:
    ///   - deadline: how long each window of messages may take.
    ///   - onConfirmed: given the position of each confirmed message, not always in order, on the connection's
    ///     thread; it must be quick. After a failure has been thrown it may be called for a message that was
    ///     confirmed at that moment.
    /// - Throws: as ``publish(_:deadline:)``; the count of confirmed messages is that of the whole sequence.
    public func publish(
        _ messages: some Sequence<OutgoingMessage>, deadline: Duration,
        onConfirmed: @escaping @Sendable (Int) -> Void
    ) async throws(BrokerError) {
        var iterator = messages.makeIterator()
        var previous: (batch: Int, count: Int)?
        var position = 0
        var confirmed = 0
        var isOver = false
        while !isOver || previous != nil {
            var current: (batch: Int, count: Int)?
            do throws(BrokerError) {
                let chunk = Self.next(window, of: &iterator)
                isOver = chunk.count < window
                if !chunk.isEmpty {
                    let offset = position
                    current = (try begin(chunk) { onConfirmed(offset + $0) }, chunk.count)
                    position += chunk.count
                }
                if let previous {
                    try await settle(previous.batch, deadline: deadline, described: "a window of messages")
                    confirmed += previous.count
                }
            } catch {
                if let current { abandon(current.batch) }
                if let previous { abandon(previous.batch) }
                var error = error
                error.confirmedCount += confirmed
                throw error
            }
            previous = current
        }
    }

    private static func next(
        _ count: Int, of iterator: inout some IteratorProtocol<OutgoingMessage>
    ) -> [OutgoingMessage] {
        var chunk: [OutgoingMessage] = []
        while chunk.count < count, let message = iterator.next() { chunk.append(message) }
        return chunk
    }

    /// Cuts the connection as a network failure would; for tests.
    func cutConnection() { control.cutSocket() }

    /// Hands messages to the connection's thread; the number of their batch.
    private func begin(
        _ messages: [OutgoingMessage], onConfirmed: @escaping @Sendable (Int) -> Void
    ) throws(BrokerError) -> Int {
        for message in messages { try message.checkLimits() }
        let (batch, failure) = state.contents.withLock { contents -> (Int, BrokerError?) in
            if let failure = contents.failure, [.authentication, .tls].contains(failure.code) { return (0, failure) }
            return (contents.ledger.add(messages, onConfirmed: onConfirmed), nil)
        }
        if let failure { throw failure }
        control.wakeup.signal()
        return batch
    }

    /// Waits for a batch, but not longer than its deadline or its task.
    private func settle(_ batch: Int, deadline: Duration, described: String) async throws(BrokerError) {
        let result = await withTaskGroup(of: Result<Void, BrokerError>?.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(for: deadline)
                    self.expire(batch, after: deadline, described)
                } catch {
                    self.abandon(batch)
                }
                return nil
            }
            group.addTask {
                await withCheckedContinuation { continuation in
                    self.state.contents.withLock { $0.ledger.attach(continuation, to: batch) }?.resume()
                }
            }
            var outcome: Result<Void, BrokerError> = .success(())
            for await result in group {
                guard let result else { continue }
                outcome = result
                group.cancelAll()
            }
            return outcome
        }
        try result.get()
    }

    private func expire(_ batch: Int, after deadline: Duration, _ described: String) {
        let waiter = state.contents.withLock { contents in
            let reason = Self.reasonForSilence(contents, url)
            return contents.ledger.expire(batch) { confirmed, total in
                BrokerError(
                    .unavailable,
                    "publishing \(described) to \(self.url) was given up after \(deadline) with "
                        + "\(confirmed) of \(total) confirmed: \(reason)"
                )
            }
        }
        waiter?.resume()
    }

    private static func reasonForSilence(_ contents: PublisherState.Contents, _ url: BrokerURL) -> String {
        if let reason = contents.blockedReason {
            return "the broker blocks publishers because of an alarm (\(reason)); free memory or disk space there"
        }
        if let failure = contents.failure { return failure.message }
        if !contents.isRunning { return "the publisher is not running; start run() first" }
        return "no confirm came; look at the broker's log and at its load"
    }

    private func abandon(_ batch: Int) {
        let waiter = state.contents.withLock { contents in
            contents.ledger.expire(batch) { confirmed, total in
                BrokerError(
                    .stopped, "publishing was cancelled with \(confirmed) of \(total) messages confirmed")
            }
        }
        waiter?.resume()
        state.contents.withLock { $0.ledger.forget(batch) }
    }
}
