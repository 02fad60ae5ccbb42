// Running the built commands as a user would, and ending what was started by its own id.

public import Foundation
import Synchronization

/// A process that a test started.
///
/// It is spawned and reaped with the C calls: Foundation's `Process` on Linux takes a process for alive as long as any of
/// its descendants is, and the servers' scripts leave servers behind.
public final class RunningProcess: Sendable {
    private let name: String
    private let outputFile: URL
    private let errorFile: URL
    /// The process's own id.
    public let identifier: pid_t
    /// The wait status, once it was reaped.
    private let ended = Mutex<Int32?>(nil)

    /// Starts `executable` with `arguments`; standard input is empty.
    /// - Parameter environment: added to this process's own; an empty value removes a variable.
    public init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        name = URL(fileURLWithPath: executable).lastPathComponent
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("detdiffusion-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        outputFile = folder.appendingPathComponent("stdout")
        errorFile = folder.appendingPathComponent("stderr")
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }.filter { !$0.value.isEmpty }
        identifier = try Self.spawn(
            [executable] + arguments, environment: variables.map { "\($0)=\($1)" }, output: outputFile.path,
            errors: errorFile.path)
    }

    deinit {
        if isRunning {
            kill(identifier, SIGKILL)
            var status: Int32 = 0
            waitpid(identifier, &status, 0)
        }
        try? FileManager.default.removeItem(at: outputFile.deletingLastPathComponent())  // Litter, at worst.
    }

    /// Whether it has not ended yet.
    public var isRunning: Bool { poll() == nil }

    /// Whether a signal or a failpoint has stopped it.
    public var isStopped: Bool {
        get throws {
            let status = try String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)
            return status.split(separator: ")").last?.split(separator: " ").first == "T"
        }
    }

    /// What it wrote to standard output so far.
    public var output: String { text(of: outputFile) }

    /// What it wrote to standard error so far.
    public var errors: String { text(of: errorFile) }

    /// Sends a signal to it.
    public func send(_ signal: Int32) { kill(identifier, signal) }

    /// Waits for its end.
    /// - Throws: ``ProcessFailure`` after `limit`, when it was killed for that.
    public func wait(limit: Duration = .seconds(120)) throws -> ProcessResult {
        let deadline = ContinuousClock.now + limit
        while true {
            if let status = poll() {
                let signal = status & 0x7f
                return ProcessResult(
                    status: signal == 0 ? (status >> 8) & 0xff : 128 + signal, output: output, errors: errors)
            }
            guard ContinuousClock.now < deadline else {
                throw ProcessFailure("\(name) did not end within \(limit): \(errors.suffix(2000))")
            }
            usleep(10_000)
        }
    }

    /// Waits until its standard error holds `text`.
    public func waitFor(_ text: String, limit: Duration = .seconds(30)) throws {
        let deadline = ContinuousClock.now + limit
        while !errors.contains(text) {
            guard isRunning, ContinuousClock.now < deadline else {
                throw ProcessFailure("expected '\(text)' on standard error, found: \(errors.suffix(2000))")
            }
            usleep(10_000)
        }
    }

    /// The wait status, or `nil` while it runs.
    private func poll() -> Int32? {
        ended.withLock { ended in
            if ended == nil {
                var status: Int32 = 0
                if waitpid(identifier, &status, WNOHANG) == identifier { ended = status }
            }
            return ended
        }
    }

    private static func spawn(
        _ arguments: [String], environment: [String], output: String, errors: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let argv = arguments.map { strdup($0) } + [nil]
        let envp = environment.map { strdup($0) } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, arguments[0], &actions, nil, argv, envp)
        guard code == 0 else {
            throw ProcessFailure("cannot start \(arguments[0]): \(String(cString: strerror(code)))")
        }
        return identifier
    }

    private func text(of file: URL) -> String {
        (try? String(contentsOf: file, encoding: .utf8)) ?? ""  // A file that is not there yet holds nothing.
    }
}

/// How a process ended.
public struct ProcessResult: Sendable {
    /// The exit status; 128 and the signal's number when a signal ended it.
    public let status: Int32
    /// What it wrote to standard output.
    public let output: String
    /// What it wrote to standard error.
    public let errors: String

    /// Describes how a process ended.
    public init(status: Int32, output: String, errors: String) {
        self.status = status
        self.output = output
        self.errors = errors
    }
}

/// A process that did not do what a test needs.
public struct ProcessFailure: Error, CustomStringConvertible {
    /// One line.
    public let description: String

    /// Says what went wrong.
    public init(_ description: String) { self.description = description }
}
