// How a command ends: one line on standard error, and the exit code that fits.

public import ArgumentParser
import Foundation

/// Runs a command's body; an error becomes one line on standard error and the exit code of its kind.
public func reporting<Result>(
    _ command: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
) async throws -> Result {
    hideSecretsInProcessTitle()
    do {
        return try await body()
    } catch let error as ExitCode {
        throw error
    } catch {
        if error is CleanExit || error is ValidationError { throw error }
        let line = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
        FileHandle.standardError.write(Data("\(command): \(line)\n".utf8))
        throw ExitCode(ExitStatus(error).rawValue)
    }
}

/// Ends a command with a code that is no error line: what was asked for does not hold, and the output said so.
public func fail(_ status: ExitStatus = .failed) -> ExitCode { ExitCode(status.rawValue) }

/// Overwrites passwords that were given as flags, so that process lists do not show them.
private func hideSecretsInProcessTitle() {
    for index in 1..<max(1, Int(CommandLine.argc)) {
        guard let argument = CommandLine.unsafeArgv[index] else { continue }
        let text = String(cString: argument)
        for secret in secrets(in: text) {
            guard let range = text.range(of: secret) else { continue }
            let offset = text.utf8.distance(from: text.startIndex, to: range.lowerBound)
            for byte in 0..<secret.utf8.count { argument[offset + byte] = UInt8(ascii: "x").signed }
        }
    }
}

private func secrets(in argument: String) -> [String] {
    var found: [String] = []
    if let scheme = argument.range(of: "://"), let at = argument.lastIndex(of: "@"), scheme.upperBound < at {
        let userInfo = argument[scheme.upperBound..<at]
        if let colon = userInfo.firstIndex(of: ":") { found.append(String(userInfo[userInfo.index(after: colon)...])) }
    }
    if let key = argument.range(of: "password=") {
        found.append(String(argument[key.upperBound...].prefix { $0 != " " && $0 != "&" }))
    }
    return found.filter { !$0.isEmpty }
}

extension UInt8 {
    fileprivate var signed: CChar { CChar(bitPattern: self) }
}
