// A running generator program: lines go in, lines come out, within time limits. Belongs to one thread.

import Foundation
import Logging

/// One run of a program, from its start to its end.
///
/// Every method blocks, for at most ``tick`` beyond a cancellation; they run on the thread of ``ProgramHost``.
final class ProgramProcess {
    /// How often a wait looks for the cancellation of its task.
    static let tick = Duration.milliseconds(50)
    /// How long a program may take to leave when it is asked to.
    static let leaveLimit = Duration.seconds(5)

    /// Its working folder.
    let folder: ProgramFolder
    private let name: String
    private let child: ChildProcess
    private let family: ProgramFamily
    private let log: ProgramLog
    private let logger: Logger
    private var unsent: ArraySlice<UInt8> = []
    /// Bytes of the line that was sent last.
    private var lineLength = 0
    private var lines = LineSplitter(limit: ProgramProtocol.lineLimit)
    private var isInputOpen = true
    /// Whether a write found that nobody reads any more.
    private var isInputBroken = false
    private var isGone = false

    /// Starts the program.
    init(_ command: ProgramCommand, logger: Logger) throws(ProgramError) {
        Self.blockBrokenPipeSignal()
        name = command.name
        self.logger = logger
        folder = try ProgramFolder.working { problem in
            logger.warning("A program's folder is left behind", metadata: ["error": "\(problem)"])
        }
        let mark = ProgramCommand.mark()
        do throws(ChildProcess.Failure) {
            let stop = try ChildProcess.Pipe()
            do throws(ChildProcess.Failure) {
                child = try ChildProcess(
                    [command.path] + command.arguments, environment: ProgramCommand.environment(mark: mark),
                    folder: folder.path)
            } catch {
                stop.close()
                throw error
            }
            family = ProgramFamily(program: child.identifier, mark: mark)
            log = ProgramLog(descriptor: child.errors, stop: (stop.read, stop.write), logger: logger)
        } catch {
            throw ProgramError(.start, "program \(command.path): cannot be started (\(error))")
        }
    }

    deinit { _ = end() }

    /// Why it cannot take another batch: it ended, or wrote though nothing was asked; `nil` when it can.
    func objection() -> String? {
        guard !isGone else { return "it was ended before" }
        ProgramChildren.shared.tidy()
        let isOpen = !lines.isEmpty || receive()
        if child.hasEnded { return "it ended with \(end())" }
        guard isOpen else { return "its standard output closed" }
        guard !lines.isEmpty else { return nil }
        return "it wrote \(quoted((lines.popLine() ?? lines.popRest())?.bytes ?? []))"
    }

    /// Sends `line`, if there is one, and waits for the next line from the program.
    /// - Parameter limit: how long both may take together.
    /// - Throws: ``ProgramError``, or `CancellationError`; the program is of no more use after either.
    func exchange(_ line: [UInt8] = [], limit: Duration) throws -> [UInt8] {
        unsent += line
        lineLength = line.count
        let deadline = ContinuousClock.now + limit
        while true {
            if let line = lines.popLine() { return try checked(line) }
            try Task.checkCancellation()
            guard ContinuousClock.now < deadline else {
                throw ProgramError(
                    .timeLimit, "program \(name): expected an answer within \(limit), found none; it was ended")
            }
            try transfer()
        }
    }

    /// Asks it to leave, waits for that, and ends it otherwise.
    func leave() {
        guard !isGone else { return }
        do {
            unsent += try StopLine().encoded()
        } catch {
            logger.warning("A program is ended without being asked to leave", metadata: ["error": "\(error)"])
        }
        send()
        closeInput()
        let deadline = ContinuousClock.now + Self.leaveLimit
        while !child.hasEnded, ContinuousClock.now < deadline { usleep(5_000) }
        _ = end()
    }

    /// Ends it and its descendants at once, if that has not happened yet, and says in the log what it left behind.
    ///
    /// Takes ``ProgramFamily/limit`` at most, whatever the program did.
    /// - Returns: how it ended, and what it said last.
    @discardableResult
    func end() -> String {
        guard !isGone else { return "it was ended before" }
        isGone = true
        closeInput()
        close(child.output)
        let ending = family.end()
        report(ending)
        let lastLine = log.finish()
        return lastLine.isEmpty ? ending.status : "\(ending.status); it last said \(quoted(lastLine))"
    }

    private func report(_ ending: ProgramFamily.Ending) {
        func list(_ processes: [ProcessEntry]) -> Logger.MetadataValue {
            let rest = processes.count - 10
            return
                "\(processes.prefix(10).map(\.description).joined(separator: ", "))\(rest > 0 ? " and \(rest) more" : "")"
        }
        if !ending.ended.isEmpty {
            logger.warning(
                "A program left processes behind; they were ended", metadata: ["processes": list(ending.ended)])
        }
        if !ending.left.isEmpty {
            logger.error(
                "A program left processes behind that do not end; end them by hand",
                metadata: ["processes": list(ending.left)])
        }
        if ending.isFleeing {
            logger.error(
                "A program's processes go on faster than they can be ended; end those that have this in their environment",
                metadata: ["variable": "\(family.mark)"])
        }
    }

    private func checked(_ line: LineSplitter.Line) throws(ProgramError) -> [UInt8] {
        guard !line.isCut else {
            throw ProgramError(
                .violation,
                "program \(name): expected lines of at most \(ProgramProtocol.lineLimit) bytes, found a longer one that "
                    + "begins \(quoted(Array(line.bytes.prefix(40))))")
        }
        return line.bytes
    }

    /// Waits for a moment, and moves what can be moved.
    private func transfer() throws(ProgramError) {
        var polled = [pollfd(fd: child.output, events: Int16(POLLIN), revents: 0)]
        if !unsent.isEmpty, !isInputBroken {
            polled.append(pollfd(fd: child.input, events: Int16(POLLOUT), revents: 0))
        }
        let milliseconds = Int32(Self.tick / .milliseconds(1))
        guard unsafe poll(&polled, nfds_t(polled.count), milliseconds) > 0 else {
            // A descendant may hold its output open after its end; what it wrote itself was there before.
            if child.hasEnded { throw endOfOutput() }
            return
        }
        if polled.count > 1, polled[1].revents != 0 { send() }
        if polled[0].revents != 0, !receive() { throw endOfOutput() }
    }

    private func send() {
        while !unsent.isEmpty, isInputOpen, !isInputBroken {
            let count = unsafe unsent.withUnsafeBytes { unsafe write(child.input, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            guard count >= 0 else {
                // Its output, or the end of it, says what that means.
                isInputBroken = true
                return
            }
            unsent = unsent.dropFirst(count)
        }
    }

    /// Takes what it wrote, without waiting.
    /// - Returns: false at the end of its output.
    private func receive() -> Bool {
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe read(child.output, &piece, piece.count)
        if count < 0 && (errno == EINTR || errno == EAGAIN) { return true }
        guard count > 0 else { return false }
        lines.append(piece[..<count])
        return true
    }

    /// Why its output ended. It may have closed only that; it is of no use then either.
    private func endOfOutput() -> ProgramError {
        let hadEnded = waitForEnd(atMost: .milliseconds(200))
        // Of a line that nobody read anything of, no task can be to blame.
        let isUntaken = lineLength > 0 && unsent.count + child.unreadInput == lineLength
        let how = end()
        let found = hadEnded ? "that it had ended with \(how)" : "its standard output closed; it was ended"
        return ProgramError(
            isUntaken ? .betweenBatches : .ended,
            "program \(name): expected \(isUntaken ? "it to take a batch" : "an answer"), found \(found)")
    }

    /// The end of its output comes a moment before its own.
    private func waitForEnd(atMost limit: Duration) -> Bool {
        let deadline = ContinuousClock.now + limit
        while !child.hasEnded {
            guard ContinuousClock.now < deadline else { return false }
            usleep(1_000)
        }
        return true
    }

    private func closeInput() {
        if isInputOpen { close(child.input) }
        isInputOpen = false
    }

    /// Writing to a program that is gone is an error of the write, not a signal that ends this process. The signal goes
    /// to the thread that writes, so blocking it there is enough, and nothing else of the process changes.
    private static func blockBrokenPipeSignal() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
