// Keeps one generator program running: starts it, gives it batches, starts it again.

import Executors
import Foundation
import Logging
import Pixels
import Tasks

/// Owns the program, on its own thread; every wait blocks that thread and no other.
actor ProgramHost {
    private let thread = DedicatedThread(name: GeneratorName.program)
    private let command: ProgramCommand
    private let logger: Logger

    private var process: ProgramProcess?
    private var facts: ProgramFacts?
    private var pace: RestartPace
    private var batches = 0
    /// The first batch of the running program.
    private var firstBatch = 1

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(_ command: ProgramCommand, backoff: Backoff, logger: Logger) {
        self.command = command
        pace = RestartPace(backoff)
        self.logger = logger
    }

    /// Starts the program for the first time.
    func start() throws -> ProgramFacts {
        precondition(facts == nil, "a program is started for the first time only once")
        ProgramFolder.sweep(logger: logger)
        let (process, facts) = try launch()
        (self.process, self.facts) = (process, facts)
        return facts
    }

    /// Asks the program to leave, and sees that it does.
    func stop() {
        process?.leave()
        process = nil
    }

    /// Makes images; a batch that the program does not survive is tried again task by task.
    /// - Throws: `CancellationError`; `WorkPaused` when the program does not start.
    func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) throws -> [Result<Image, GenerationFailure>] {
        do {
            return try attemptTwice(tasks, specification: specification)
        } catch let error as ProgramError where error.code == .start || error.code == .betweenBatches {
            throw WorkPaused(error.description)
        } catch let error as ProgramError {
            guard tasks.count > 1 else {
                return [.failure(GenerationFailure(error.description, isPermanent: false))]
            }
            logger.warning(
                "A program failed on a batch; its tasks are tried one by one",
                metadata: ["batch.tasks": "\(tasks.count)", "error": "\(error)"])
            return try tasks.flatMap { try generate([$0], specification: specification) }
        }
    }

    /// A program that fails before it takes its batch is replaced once; when its successor does so, too, the program is
    /// to blame and no task.
    private func attemptTwice(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) throws -> [Result<Image, GenerationFailure>] {
        do {
            return try attempt(tasks, specification: specification)
        } catch let error as ProgramError where error.code == .betweenBatches {
            logger.warning("A program failed before it took its batch", metadata: ["error": "\(error)"])
            return try attempt(tasks, specification: specification)
        }
    }

    private func attempt(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) throws -> [Result<Image, GenerationFailure>] {
        let process = try running()
        do {
            let images = try make(tasks, specification: specification, in: process)
            pace.succeeded()
            return images
        } catch {
            self.process = nil
            process.end()
            if !(error is CancellationError) { pace.failed() }
            if let refusal = error as? LineRefusal {
                throw ProgramError(.violation, "program \(command.name): \(refusal)")
            }
            throw error
        }
    }

    private func make(
        _ tasks: [LayoutTask], specification: GenerateSpecification, in process: ProgramProcess
    ) throws -> [Result<Image, GenerationFailure>] {
        batches += 1
        let logger = logger
        let folder = try ProgramFolder(in: process.folder.path, name: "batch-\(batches)") { problem in
            logger.warning("A batch's folder is left behind", metadata: ["error": "\(problem)"])
        }
        let batch = BatchLine(id: batches, folder: folder.path, tasks: tasks, specification: specification)
        let line = try process.exchange(try batch.encoded(), limit: command.timeLimit)
        guard case .result(let result) = try ProgramReply(decoding: line) else {
            throw LineRefusal("expected a line of type result after a batch, found type 'ready'")
        }
        let name = command.name
        // It came late, so that it was not there yet when this batch was sent.
        guard !(firstBatch..<batches).contains(result.id) else {
            throw ProgramError(
                .betweenBatches,
                "program \(name): expected the result of batch \(batches), found another of batch \(result.id)")
        }
        let items = try result.items(ofBatch: batches, count: tasks.count)
        var files: Set<String> = []
        return try items.map { item in
            try Task.checkCancellation()
            do throws(LineRefusal) {
                if let error = item.error {
                    return .failure(
                        GenerationFailure("program \(name): \(printable(error))", isPermanent: item.permanent ?? false))
                }
                let file = item.file ?? ""
                guard files.insert(file).inserted else {
                    throw LineRefusal("file \(quoted(file)): expected a file for each task, found it for two")
                }
                return .success(try ProgramImage.read(file, in: folder, specification: specification))
            } catch {
                return .failure(GenerationFailure("program \(name): task \(item.id): \(error)", isPermanent: false))
            }
        }
    }

    /// The program, started again where it is gone.
    private func running() throws -> ProgramProcess {
        if let process {
            guard let objection = process.objection() else { return process }
            process.end()
            logger.warning(
                "A program failed between two batches",
                metadata: ["program.path": "\(command.path)", "program.failure": "\(objection)"])
            self.process = nil
            pace.failed()
        }
        try wait(pace.wait(draw: .random(in: 0...1)))
        do {
            let (process, facts) = try launch()
            guard facts == self.facts else {
                process.end()
                throw ProgramError(
                    .start,
                    "program \(command.name): expected the ready line of its first start (\(self.facts?.summary ?? "")), "
                        + "found another (\(facts.summary)); start this worker again if that is meant")
            }
            logger.info("A program was started again", metadata: ["program.path": "\(command.path)"])
            self.process = process
            firstBatch = batches + 1
            return process
        } catch {
            if !(error is CancellationError) { pace.failed() }
            throw error
        }
    }

    private func launch() throws -> (ProgramProcess, ProgramFacts) {
        let process = try ProgramProcess(command, logger: logger)
        do {
            let line = try process.exchange(limit: command.startLimit)
            guard case .ready(let ready) = try ProgramReply(decoding: line) else {
                throw LineRefusal("expected a ready line first, found type 'result'")
            }
            return (process, try ProgramFacts(decoding: ready))
        } catch {
            process.end()
            switch error {
            case let error as ProgramError: throw ProgramError(.start, "before its ready line: \(error)")
            case let error as LineRefusal: throw ProgramError(.start, "program \(command.name): \(error)")
            default: throw error
            }
        }
    }

    /// Waits on this actor's own thread, so that nothing else comes between.
    private func wait(_ duration: Duration) throws {
        let deadline = ContinuousClock.now + duration
        while ContinuousClock.now < deadline {
            try Task.checkCancellation()
            usleep(20_000)
        }
    }
}

/// A program's own words, as one line of bounded length.
private func printable(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(500).map { isControl($0) ? " " : $0 }))
}
