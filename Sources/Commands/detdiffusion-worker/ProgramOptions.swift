// How a generator program is named on the command line.

import ArgumentParser
import Console
import Handlers

/// One program, its arguments and its limits.
struct ProgramOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "An executable that speaks the lines of docs/plugins.md; started without a shell.", valueName: "path"))
    var program: String?

    @Option(
        name: .customLong("program-argument"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp(
            "Passed to the program; may be given more than once. Paths must be absolute: it runs in a folder of its own.",
            valueName: "argument"))
    var arguments: [String] = []

    @Option(
        name: .customLong("program-time-limit"),
        help: ArgumentHelp("How long the program may take for a batch. Default: 600.", valueName: "seconds"))
    var timeLimit: Double?

    @Option(
        name: .customLong("program-start-limit"),
        help: ArgumentHelp("How long the program may take to become ready. Default: 300.", valueName: "seconds"))
    var startLimit: Double?

    /// The program that the options name, if they name one.
    func command() throws -> ProgramCommand? {
        guard let program else {
            let given: [(flag: String, isGiven: Bool)] = [
                ("--program-argument", !arguments.isEmpty), ("--program-time-limit", timeLimit != nil),
                ("--program-start-limit", startLimit != nil),
            ]
            if let stray = given.first(where: \.isGiven) {
                throw CommandError(.usage, "\(stray.flag): expected --program PATH beside it, found none")
            }
            return nil
        }
        let record = WorkerProfile.Program(
            path: program, arguments: arguments, timeLimit: timeLimit, startLimit: startLimit)
        return try record.command(flag: "--program")
    }
}

extension WorkerProfile.Program {
    /// The program as it is started.
    /// - Parameter flag: the option or profile key in error lines.
    func command(flag: String) throws -> ProgramCommand {
        do {
            return try ProgramCommand(
                path: path, arguments: arguments ?? [],
                timeLimit: try timeLimit.map { try seconds($0, "\(flag): time limit") }
                    ?? ProgramCommand.usualTimeLimit,
                startLimit: try startLimit.map { try seconds($0, "\(flag): start limit") }
                    ?? ProgramCommand.usualStartLimit)
        } catch let error as ProgramError {
            throw CommandError(.noInput, "\(flag): \(error)")
        }
    }

    private func seconds(_ value: Double, _ name: String) throws -> Duration {
        guard value.isFinite, value >= 0.01, value <= 1e7 else {
            throw CommandError(.usage, "\(name): expected seconds from 0.01 to 10000000, found \(value)")
        }
        return .seconds(value)
    }
}
