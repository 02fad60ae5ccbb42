// A program's standard error, line by line, in the worker's log.

import Foundation
import Logging
import Synchronization

/// Reads a descriptor on its own thread until the program is gone.
///
/// Lines are cut at ``lineLimit`` bytes; beyond ``burst`` lines at once, or ``perSecond`` in the long run, they are left
/// out and counted.
final class ProgramLog: Sendable {
    static let lineLimit = 2000
    static let burst = 200
    static let perSecond = 20.0

    private let descriptor: Int32
    private let stopRead: Int32
    private let stopWrite: Int32
    private let logger: Logger
    private let lastLine = Mutex("")
    private let done = DispatchSemaphore(value: 0)

    /// Starts to read; the descriptor belongs to this object from now on and does not block.
    /// - Parameter stop: both ends of a pipe, which belong to this object, too.
    init(descriptor: Int32, stop: (read: Int32, write: Int32), logger: Logger) {
        self.descriptor = descriptor
        (stopRead, stopWrite) = stop
        self.logger = logger
        let thread = Thread { self.run() }
        thread.stackSize = 1 << 20
        thread.start()
    }

    /// Reads what is left, ends the thread, and returns the last line. To be called once, when the program is gone.
    ///
    /// A log that takes no line holds up the thread alone.
    func finish() -> String {
        close(stopWrite)
        _ = done.wait(timeout: .now() + .seconds(5))
        return lastLine.withLock { $0 }
    }

    private func run() {
        defer {
            close(descriptor)
            close(stopRead)
            done.signal()
        }
        var lines = LineSplitter(limit: Self.lineLimit)
        var throttle = LogThrottle(burst: Self.burst, perSecond: Self.perSecond, now: .now)
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        // A descendant that left the program's group may hold the other end open, and write, forever.
        var bytesAfterStop = 0
        while bytesAfterStop <= 1 << 20 {
            let isStopped = waitForInput()
            let count = unsafe read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN && !isStopped { continue }
            guard count > 0 else { break }
            if isStopped { bytesAfterStop += count }
            lines.append(piece[..<count])
            while let line = lines.popLine() { log(line, &throttle) }
        }
        if let line = lines.popRest() { log(line, &throttle) }
    }

    /// Blocks until there is something to read or the program is gone.
    /// - Returns: whether the program is gone.
    private func waitForInput() -> Bool {
        var polled = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: stopRead, events: 0, revents: 0),
        ]
        _ = unsafe poll(&polled, 2, -1)
        return polled[1].revents != 0
    }

    private func log(_ line: LineSplitter.Line, _ throttle: inout LogThrottle) {
        let text = Self.text(of: line)
        guard !text.isEmpty else { return }
        lastLine.withLock { $0 = text }
        guard let leftOut = throttle.admit(at: .now) else { return }
        var metadata: Logger.Metadata = ["line": "\(text)"]
        if leftOut > 0 { metadata["lines.left-out"] = "\(leftOut)" }
        logger.info("A program says", metadata: metadata)
    }

    /// What a terminal would show of the line in the end: progress bars overwrite themselves after a carriage return.
    static func text(of line: LineSplitter.Line) -> String {
        let shown = line.bytes.split(separator: UInt8(ascii: "\r")).last ?? []
        let scalars = String(decoding: shown, as: UTF8.self).unicodeScalars.map { isControl($0) ? " " : $0 }
        return String(String.UnicodeScalarView(scalars)) + (line.isCut ? "…" : "")
    }
}
