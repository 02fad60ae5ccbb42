// How a command ends: one line on standard error, and the exit code that fits.

public import ArgumentParser
import ErrorLines
import Foundation

/// Runs a command's body; an error becomes one line on standard error and the exit code of its kind.
public func reporting<Result>(
    _ command: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async throws -> Result {
    do {
        return try await body()
    } catch let error as ExitCode {
        throw error
    } catch {
        if error is CleanExit || error is ValidationError { throw error }
        remark("\(command): \(ErrorLine.text("\(error)"))")
        throw ExitCode(ExitStatus(error).rawValue)
    }
}

/// Ends a command with a code that is no error line: what was asked for does not hold, and the output said so.
public func fail(_ status: ExitStatus = .failed) -> ExitCode { ExitCode(status.rawValue) }

extension AsyncParsableCommand {
    /// The whole life of a command: parses, runs, and ends the process. Options that cannot be read are one line on
    /// standard error, too, and the exit code 64.
    public static func start() async -> Never {
        StandardOutput.prepare()
        LoopbackProxies.keepAway()
        let arguments = Array(CommandLine.arguments.dropFirst())
        hideSecretsInProcessTitle()
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            leave(.success)
        } catch {
            guard exitCode(for: error) != .success else {
                tell(fullMessage(for: error))
                leave(.success)
            }
            if let code = error as? ExitCode { leave(code) }
            let text = ArgumentSecrets.redacted(message(for: error), arguments: arguments)
            remark("\(configuration.commandName ?? "detdiffusion"): \(ErrorLine.text(text)); see --help")
            leave(ExitCode(ExitStatus.usage.rawValue))
        }
    }

    /// Ends the process without the C library's exit handlers: threads of connections may still be closing theirs, and
    /// OpenSSL's handler would free what they use (seen as a double free in PQfinish, once in a thousand commands).
    private static func leave(_ code: ExitCode) -> Never {
        StandardOutput.finish()
        _exit(code.rawValue)
    }
}

/// Overwrites passwords that were given as flags, so that process lists do not show them.
private func hideSecretsInProcessTitle() {
    for index in 1..<max(1, Int(CommandLine.argc)) {
        guard let argument = CommandLine.unsafeArgv[index] else { continue }
        let bytes = UnsafeBufferPointer(start: argument, count: strlen(argument)).map { UInt8(bitPattern: $0) }
        for position in ArgumentSecrets.ranges(in: bytes).joined() {
            argument[position] = CChar(bitPattern: UInt8(ascii: "x"))
        }
    }
}
