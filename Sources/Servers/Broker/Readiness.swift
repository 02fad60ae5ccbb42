// One poll over a connection's socket and its wake-up.

import Foundation

/// What a poll found.
struct Readiness {
    var canRead = false
    var canWrite = false
    var hasFailed = false
    var wasWoken = false

    /// Waits until the socket is ready, the wake-up rings, or the time is over.
    /// - Parameter socket: -1 waits for the wake-up only.
    static func wait(
        socket: Int32, wakeup: Wakeup, forWriting: Bool, forReading: Bool = true, timeout: Duration
    ) -> Readiness {
        let events = Int16(forReading ? POLLIN : 0) | Int16(forWriting ? POLLOUT : 0)
        var descriptors = [
            pollfd(fd: wakeup.readEnd, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: events, revents: 0),
        ]
        let milliseconds = Int32(clamping: (timeout / .milliseconds(1)).rounded(.up).clampedToInt)
        _ = unsafe poll(&descriptors, nfds_t(descriptors.count), max(0, milliseconds))
        let found = Int32(descriptors[1].revents)
        var readiness = Readiness(
            canRead: found & POLLIN != 0, canWrite: found & POLLOUT != 0,
            hasFailed: found & (POLLERR | POLLHUP | POLLNVAL) != 0,
            wasWoken: Int32(descriptors[0].revents) & POLLIN != 0)
        if readiness.wasWoken { wakeup.drain() }
        if readiness.hasFailed { readiness.canRead = true }  // the library reads the error
        return readiness
    }

    /// Whether bytes can be written without waiting.
    static func canWrite(_ socket: Int32) -> Bool {
        var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&descriptor, 1, 0) > 0
    }
}

extension Double {
    /// The nearest value an `Int` can hold.
    fileprivate var clampedToInt: Int { Int(Swift.min(Swift.max(self, 0), 1e9)) }
}
