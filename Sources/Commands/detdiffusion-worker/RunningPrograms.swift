// The generator programs of one worker, from their start to their end.

import Console
import Handlers
import Logging
import Tasks

/// Programs that are ready.
struct RunningPrograms: Sendable {
    let generators: [ProgramGenerator]

    /// Starts one after the other; when one fails, those before it are ended.
    static func start(_ commands: [ProgramCommand], batch: Int, logger: Logger) async throws -> RunningPrograms {
        var started = RunningPrograms(generators: [])
        do {
            if !commands.isEmpty { try ProgramGenerator.adoptOrphans() }
            for command in commands {
                let generator = try await ProgramGenerator.start(command, maximumBatch: batch, logger: logger)
                let others = started.generators
                started = RunningPrograms(generators: others + [generator])
                if others.contains(where: { $0.facts.capability == generator.facts.capability }) {
                    throw CommandError(
                        .usage,
                        "program \(command.path): expected one program for \(generator.facts.capability), found two; "
                            + "start a second worker for it")
                }
            }
            return started
        } catch {
            await started.stop()
            if let error = error as? ProgramError { throw CommandError(.unavailable, error.description) }
            throw error
        }
    }

    /// Asks all of them to leave, and sees that they do.
    func stop() async {
        for generator in generators { await generator.stop() }
    }
}
