// What other threads may do to a connection's thread: wake it, stop it, and cut its socket.

import Foundation
import Synchronization

/// The handle on a connection's thread that other threads hold.
final class ConnectionControl: Sendable {
    /// How long a graceful end may take before the socket is cut.
    static let graceBeforeCut: Duration = .milliseconds(1500)

    private struct State {
        var isStopping = false
        var isConnected = false
        /// A duplicate of the connection's descriptor, owned here, so that a cut can never hit a descriptor that the
        /// library has closed and the system has given to something else. -1 when there is no connection.
        var socket: Int32 = -1
    }

    private let state = Mutex(State())
    /// Ends the thread's poll.
    let wakeup = Wakeup()

    deinit { forgetSocket() }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    var isConnected: Bool { state.withLock { $0.isConnected } }

    func setConnected(_ isConnected: Bool) { state.withLock { $0.isConnected = isConnected } }

    /// Keeps a duplicate of the connection's descriptor; returns it for polling, -1 when there is none.
    func adoptSocket(_ descriptor: Int32) -> Int32 {
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        state.withLock { state in
            if state.socket >= 0 { Foundation.close(state.socket) }
            state.socket = duplicate
        }
        return duplicate
    }

    /// Gives the duplicate back; the connection is over.
    func forgetSocket() {
        state.withLock { state in
            if state.socket >= 0 { Foundation.close(state.socket) }
            state.socket = -1
        }
    }

    /// Shuts the socket down, so that a call of the library that waits for the peer returns at once.
    func cutSocket() {
        state.withLock { state in
            if state.socket >= 0 { _ = shutdown(state.socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Asks the thread to end, and cuts its socket when it has not ended in time.
    ///
    /// The task is not a child of the caller, which is cancelled already and could not sleep; it ends by itself.
    func stop() {
        state.withLock { $0.isStopping = true }
        wakeup.signal()
        Task {
            do { try await Task.sleep(for: Self.graceBeforeCut) } catch { return }
            cutSocket()
        }
    }
}
