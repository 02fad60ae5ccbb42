// Standard output and standard error as they are in the wild: full discs, closed descriptors, readers that left.

import CDescriptors
import ErrorLines
import Foundation
import Synchronization

/// Standard output, where results go: what cannot be written ends the command, with one line and the exit code 73.
///
/// Kept back until there is enough of it or the command ends, except on a terminal, and written with a look at every
/// outcome, which `print` does not have.
public enum StandardOutput {
    private static let buffer = Mutex<[UInt8]>([])
    /// Whether whoever started the command closed it.
    private static let isClosed = detdiffusion_was_closed(STDOUT_FILENO)
    private static let isTerminal = isatty(STDOUT_FILENO) == 1
    private static let bufferLimit = 64 << 10

    /// Adds text.
    public static func write(_ text: String) {
        let isFull = buffer.withLock { buffer in
            buffer += text.utf8
            return buffer.count >= bufferLimit
        }
        if isFull || isTerminal { flush() }
    }

    /// Writes what was kept back. Does not return when that fails.
    public static func flush() {
        let bytes = buffer.withLock { buffer in
            defer { buffer.removeAll(keepingCapacity: true) }
            return buffer
        }
        guard !bytes.isEmpty else { return }
        if isClosed { end(EBADF) }
        if let number = Descriptor.write(bytes, to: STDOUT_FILENO) { end(number) }
    }

    /// Writes what was kept back and ends the command where its reader has left, for commands that wait long
    /// between two lines.
    public static func requireReader() {
        flush()
        var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        if !isClosed, poll(&output, 1, 0) > 0, output.revents & Int16(POLLERR) != 0 { end(EPIPE) }
    }

    /// Writes what was kept back, and hears of what a file system reports at the end only, as network ones do.
    static func finish() {
        flush()
        if !isClosed, close(STDOUT_FILENO) != 0, errno != EINTR { end(errno) }
    }

    /// Makes a reader that leaves an error of the write, and no signal: a worker outlives the reader of its log.
    static func prepare() { signal(SIGPIPE, SIG_IGN) }

    /// Ends the process: as the signal would for a reader that left, which is no failure of anybody's; else with the line.
    ///
    /// At once, since every command may be killed anywhere.
    private static func end(_ number: Int32) -> Never {
        if number == EPIPE {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
            _exit(128 + SIGPIPE)
        }
        let command = CommandLine.arguments.first.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? ""
        let reason = number == EBADF ? "it is closed" : String(cString: strerror(number))
        remark(
            "\(command): standard output: expected to write the result, found that it cannot be written (\(reason)); "
                + "free space there, or send it elsewhere")
        _exit(ExitStatus.cannotWrite.rawValue)
    }
}

/// Writes one line of results, or more; ends the command where that fails.
/// - Parameter steering: goes before the line, to a terminal.
public func tell(_ text: String, after steering: Steering? = nil, terminator: String = "\n") {
    StandardOutput.write((steering?.sequence ?? "") + PrintableText.lines(text) + terminator)
}

/// Writes a line to standard error, where progress and remarks go. Where that cannot be written there is nobody to tell.
/// - Parameter steering: goes before the line, to a terminal.
public func remark(_ line: String, after steering: Steering? = nil, terminator: String = "\n") {
    let text = (steering?.sequence ?? "") + PrintableText.lines(line) + terminator
    _ = Descriptor.write(Array(text.utf8), to: STDERR_FILENO)
}

/// What this program itself asks of a terminal. Text never can: ``tell(_:after:terminator:)`` and
/// ``remark(_:after:terminator:)`` take such bytes out of it.
public struct Steering: Sendable {
    let sequence: String

    /// Back to the start of the line, which is erased.
    public static let freshLine = Steering(sequence: "\r\u{1B}[K")

    /// Up by this many lines, to the start of an erased one.
    public static func up(_ lines: Int) -> Steering { Steering(sequence: "\u{1B}[\(max(1, lines))A\r\u{1B}[K") }
}

/// Writing to a descriptor whoever else holds it.
private enum Descriptor {
    /// The error number of what could not be written; `nil` when all was.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // Somebody else made it non-blocking, as terminals and pipes of other programs may be.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = poll(&ready, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }
}
