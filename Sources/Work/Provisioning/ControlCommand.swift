// rabbitmqctl as a command line of the operator's: there may be ssh, docker or `ops/stack ctl` before it.

import Executors
import Foundation
import Synchronization

/// Runs rabbitmqctl on its own thread, and ends it when the calling task is cancelled.
struct ControlCommand: Sendable {
    private let command: String

    init(_ command: String) { self.command = command }

    /// What it prints, without white space around it.
    func run(_ arguments: [String]) async throws -> String {
        let child = ChildProcess()
        return try await withTaskCancellationHandler {
            try await ControlThread().run(command, arguments, child)
        } onCancel: {
            child.end()
        }
    }
}

/// The process that may have to be ended from another thread.
private final class ChildProcess: Sendable {
    private let identifier = Mutex<pid_t>(0)

    func began(_ process: pid_t) { identifier.withLock { $0 = process } }
    /// After it was reaped its number may be somebody else's.
    func left() { identifier.withLock { $0 = 0 } }
    func end() { identifier.withLock { if $0 > 0 { kill($0, SIGKILL) } } }
}

private actor ControlThread {
    private let thread = DedicatedThread(name: "rabbitmqctl")
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func run(_ command: String, _ arguments: [String], _ child: ChildProcess) throws -> String {
        let process = Process(), output = Pipe(), errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec \(command) \"$@\"", "sh"] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = errors
        do { try process.run() } catch {
            throw ProvisioningError(.invalid, "cannot run \(command): \(error.localizedDescription)")
        }
        child.began(process.processIdentifier)
        let printed = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        child.left()
        guard process.terminationStatus == 0 else {
            let reason = String(decoding: complaint.prefix(200), as: UTF8.self)
            throw ProvisioningError(.unavailable, "rabbitmqctl ended with \(process.terminationStatus): \(reason)")
        }
        return String(decoding: printed, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
