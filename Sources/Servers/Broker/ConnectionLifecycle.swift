// When to connect, serve, wait and give up: the life of a connection as a pure state machine.

public import Executors

/// Decides what a connection's thread does next.
///
/// Before the first successful connection an error that only a person can mend ends the run, so that a mistyped
/// password is told at once; afterwards everything is tried again, because workers outlive repairs of the broker.
public struct ConnectionLifecycle: Sendable {
    /// Where the connection stands.
    public enum State: Hashable, Sendable {
        /// Nothing was begun.
        case idle
        /// A connection is being made; `attempt` failures came before it.
        case connecting(attempt: Int)
        /// The connection is in use.
        case open(attempt: Int)
        /// Waiting before the next try.
        case backingOff(attempt: Int)
        /// Over.
        case stopped
    }

    /// What the thread must do now.
    public enum Action: Hashable, Sendable {
        /// Make a connection, then report ``ConnectionLifecycle/connected()`` or
        /// ``ConnectionLifecycle/failed(_:draw:)``.
        case connect
        /// Serve the open connection, then report ``ConnectionLifecycle/lost(_:openFor:draw:)``.
        case serve
        /// Wait so long, then report ``ConnectionLifecycle/waited()``.
        case wait(Duration)
        /// Close what is open, and end without an error.
        case finish
        /// End with this error.
        case fail(BrokerError)
    }

    /// A connection that lived shorter than this did not prove that the broker is well: the back-off goes on growing.
    public static let provenAfter: Duration = .seconds(10)

    /// Where the connection stands.
    public private(set) var state: State = .idle
    /// True once a connection was made.
    public private(set) var hasConnected = false
    private let backoff: Backoff

    /// Starts idle.
    public init(backoff: Backoff = Backoff(base: .milliseconds(200), cap: .seconds(15))) {
        self.backoff = backoff
    }

    /// True between the first failure of an outage and the next try. An outage ends with a connection that
    /// lived for ``provenAfter``.
    public var isOutageNew: Bool { state == .backingOff(attempt: 1) }

    /// Begins; only from idle.
    public mutating func start() -> Action {
        guard case .idle = state else { return current }
        state = .connecting(attempt: 0)
        return .connect
    }

    /// The connection was made.
    public mutating func connected() -> Action {
        guard case .connecting(let attempt) = state else { return current }
        hasConnected = true
        state = .open(attempt: attempt)
        return .serve
    }

    /// The connection could not be made.
    /// - Parameter draw: an even draw in 0 ... 1 for the jitter.
    public mutating func failed(_ error: BrokerError, draw: Double) -> Action {
        guard case .connecting(let attempt) = state else { return current }
        if error.isPermanent && !hasConnected {
            state = .stopped
            return .fail(error)
        }
        return backOff(attempt: attempt, isSlow: error.isPermanent, draw: draw)
    }

    /// The open connection ended.
    /// - Parameters:
    ///   - openFor: how long it was open.
    ///   - draw: an even draw in 0 ... 1 for the jitter.
    public mutating func lost(_ error: BrokerError, openFor: Duration, draw: Double) -> Action {
        guard case .open(let attempt) = state else { return current }
        // Not slow even for a refusal: what was refused is dropped by now, and if not, the next
        // connection fails slowly.
        return backOff(attempt: openFor >= Self.provenAfter ? 0 : attempt, isSlow: false, draw: draw)
    }

    /// The wait is over.
    public mutating func waited() -> Action {
        guard case .backingOff(let attempt) = state else { return current }
        state = .connecting(attempt: attempt)
        return .connect
    }

    /// The owner wants an end; from any state.
    public mutating func stop() -> Action {
        state = .stopped
        return .finish
    }

    private mutating func backOff(attempt: Int, isSlow: Bool, draw: Double) -> Action {
        state = .backingOff(attempt: attempt + 1)
        // What only a person can mend is not mended in milliseconds: wait at least half of the cap.
        if isSlow { return .wait(backoff.cap * (0.5 + 0.5 * draw)) }
        return .wait(backoff.bound(attempt: attempt) * draw)
    }

    /// A report that does not fit the state changes nothing: the thread is told again what holds.
    private var current: Action {
        switch state {
        case .idle, .stopped: .finish
        case .connecting: .connect
        case .open: .serve
        case .backingOff: .wait(.zero)
        }
    }
}
