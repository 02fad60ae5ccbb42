// A pipe by which any thread ends another thread's poll.

import Foundation

/// Interrupts a `poll` from outside.
///
/// Both ends are non-blocking: a full pipe already holds a wake-up, so a failed write loses nothing.
final class Wakeup: Sendable {
    /// Poll this for reading.
    let readEnd: Int32
    private let writeEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        let result = unsafe pipe(&ends)
        precondition(result == 0, "no file descriptor is left for a pipe; raise the limit of open files (ulimit -n)")
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        Foundation.close(readEnd)
        Foundation.close(writeEnd)
    }

    /// Ends the poll that runs now, or the next one.
    func signal() {
        var byte: UInt8 = 1
        _ = unsafe write(writeEnd, &byte, 1)
    }

    /// Takes the signals so far; call it before looking at what they announce.
    func drain() {
        var bytes = [UInt8](repeating: 0, count: 256)
        while unsafe read(readEnd, &bytes, bytes.count) == bytes.count {}
    }
}
