// The generator `program`: any executable that speaks JSON lines on its standard input and output.

import Digests
public import Executors
public import Logging
public import Pixels
public import Tasks

/// A generator out of process; docs/plugins.md describes what the program must do.
///
/// The program runs in a temporary folder and its own process group, without this process's descriptors and
/// credentials. A program that dies, stalls or breaks the protocol is ended and started again, with back-off; the batch
/// that it had is then tried task by task, so that one poison layout fails alone.
public struct ProgramGenerator: Generator {
    /// What the program said about itself.
    public let facts: ProgramFacts
    private let maximumBatch: Int
    private let host: ProgramHost

    /// The waits of a program that fails, when none are given.
    public static let usualBackoff = Backoff(base: .seconds(1), cap: .seconds(60))

    /// Starts the program and waits for its ready line.
    /// - Parameters:
    ///   - maximumBatch: the most tasks of one batch; the program's own limit may be lower.
    ///   - backoff: how long a program that failed waits for its next start.
    /// - Throws: ``ProgramError`` of code `start`, or `CancellationError`.
    public static func start(
        _ command: ProgramCommand, maximumBatch: Int,
        backoff: Backoff = usualBackoff, logger: Logger
    ) async throws -> ProgramGenerator {
        precondition(maximumBatch >= 1, "a generator takes at least one task at a time")
        var logger = logger
        logger[metadataKey: "program.name"] = "\(command.name)"
        let host = ProgramHost(command, backoff: backoff, logger: logger)
        let facts = try await host.start()
        return ProgramGenerator(facts: facts, maximumBatch: min(maximumBatch, facts.batch), host: host)
    }

    /// Makes this process the parent of what its programs leave behind, so that it is found and ended with them; to be
    /// called before the first start, by a process that starts nothing else.
    public static func adoptOrphans() throws(ProgramError) {
        do {
            try ProgramChildren.shared.adoptOrphans()
        } catch {
            throw ProgramError(
                .start, "programs: expected to become the parent of their orphans, found \(error); allow prctl(2)")
        }
    }

    /// What the ready line says.
    public func describe() -> GeneratorDescription {
        GeneratorDescription(
            name: facts.name, checkpointDigest: facts.checkpoint?.hex, maximumBatch: maximumBatch,
            deviceClass: facts.deviceClass)
    }

    /// Has nothing left to load: the ready line said that the program is ready.
    public func prepare() async throws {}

    /// Lets the program make the images.
    /// - Throws: `WorkPaused` while the program cannot be started, `CancellationError` after it was ended for that.
    public func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) async throws -> [Result<Image, GenerationFailure>] {
        guard facts.sizes.contains(width: specification.width, height: specification.height) else {
            let reason =
                "program \(facts.name): expected a size that it makes (\(facts.sizes)), found the job's "
                + "\(specification.width)x\(specification.height); enqueue with --size"
            return tasks.map { _ in .failure(GenerationFailure(reason, isPermanent: true)) }
        }
        return try await host.generate(tasks, specification: specification)
    }

    /// Asks the program to leave, and ends it when it does not. No batch may follow.
    public func stop() async { await host.stop() }
}
