// Running the built commands as a user would, and ending what was started by its own id.

import Foundation

/// A process that a test started.
///
/// `@unchecked Sendable`: `Process` is only touched by the test that started it, one call at a time; the output goes to files.
public final class RunningProcess: @unchecked Sendable {
    private let process: Process
    private let outputFile: URL
    private let errorFile: URL

    /// Starts `executable` with `arguments`; standard input is empty.
    /// - Parameter environment: added to this process's own; an empty value removes a variable.
    public init(_ executable: String, _ arguments: [String], environment: [String: String] = [:]) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("detdiffusion-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        outputFile = folder.appendingPathComponent("stdout")
        errorFile = folder.appendingPathComponent("stderr")
        try Data().write(to: outputFile)
        try Data().write(to: errorFile)
        process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }.filter { !$0.value.isEmpty }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: outputFile)
        process.standardError = try FileHandle(forWritingTo: errorFile)
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }

    /// The process's own id.
    public var identifier: Int32 { process.processIdentifier }

    /// Whether it has not ended yet.
    public var isRunning: Bool { process.isRunning }

    /// What it wrote to standard output so far.
    public var output: String { text(of: outputFile) }

    /// What it wrote to standard error so far.
    public var errors: String { text(of: errorFile) }

    /// Sends a signal to it.
    public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits for its end.
    /// - Throws: ``ProcessFailure`` after `limit`, when it was killed for that.
    public func wait(limit: Duration = .seconds(120)) throws -> ProcessResult {
        let deadline = ContinuousClock.now + limit
        while process.isRunning {
            guard ContinuousClock.now < deadline else {
                kill(process.processIdentifier, SIGKILL)
                process.waitUntilExit()
                throw ProcessFailure("\(process.executableURL?.lastPathComponent ?? "") did not end within \(limit): \(errors.suffix(2000))")
            }
            usleep(10_000)
        }
        process.waitUntilExit()
        let isKilled = process.terminationReason == .uncaughtSignal
        return ProcessResult(
            status: isKilled ? 128 + process.terminationStatus : process.terminationStatus, output: output, errors: errors)
    }

    /// Waits until its standard error holds `text`.
    public func waitFor(_ text: String, limit: Duration = .seconds(30)) throws {
        let deadline = ContinuousClock.now + limit
        while !errors.contains(text) {
            guard process.isRunning, ContinuousClock.now < deadline else {
                throw ProcessFailure("expected '\(text)' on standard error, found: \(errors.suffix(2000))")
            }
            usleep(10_000)
        }
    }

    private func text(of file: URL) -> String {
        (try? String(contentsOf: file, encoding: .utf8)) ?? ""  // A file that is gone holds nothing.
    }
}

/// How a process ended.
public struct ProcessResult: Sendable {
    /// The exit status; 128 and the signal's number when a signal ended it.
    public let status: Int32
    public let output: String
    public let errors: String
}

/// A process that did not do what a test needs.
public struct ProcessFailure: Error, CustomStringConvertible {
    public let description: String

    /// Says what went wrong.
    public init(_ description: String) { self.description = description }
}
