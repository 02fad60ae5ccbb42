// Layout tasks and small programs for the tests of generator programs.

import Digests
import Executors
import Fixtures
import Foundation
import Handlers
import Layouts
import Logging
import Synchronization
import Tasks

enum Made {
    /// Two overlapping objects; another seed for each number.
    static func task(_ number: Int) -> LayoutTask {
        let objects = [
            LayoutObject(
                annotationID: 1, categoryID: 1, category: "person", box: Box(x: 10, y: 20, width: 100, height: 200),
                attribute: .hard),
            LayoutObject(
                annotationID: 2, categoryID: 62, category: "chair", box: Box(x: 200, y: 100, width: 120, height: 140),
                attribute: .easy),
        ]
        let layout = Layout(
            imageID: 100 + number, fileName: "\(number).jpg", width: 320, height: 240, objects: objects)
        return LayoutTask(
            layout: layout, prompt: "An image with \"two\" objects\n", sample: 0, seed: UInt64(1000 + number))
    }

    static func tasks(_ count: Int) -> [LayoutTask] { (0..<count).map(task) }

    static func specification(width: Int = 64, height: Int = 48) -> GenerateSpecification {
        GenerateSpecification(
            annotations: SHA256.digest(of: "none"), subset: .all, strategy: .hard, template: .compact,
            bins: Bins(columns: 256, rows: 256), width: width, height: height, samples: 1, seed: 0, generator: "test",
            shardSize: 8)
    }
}

/// A Python program in its own folder, which is removed at the end.
final class ScriptedProgram: Sendable {
    /// Where the program may leave notes for the test: its first argument.
    let folder: String
    let path: String

    /// `say`, `make` and `png` of the example program, and the loop around batches.
    private static let prelude = """
        #!/usr/bin/env python3
        import json, os, subprocess, sys, time
        sys.dont_write_bytecode = True
        sys.path.insert(0, "\(Surroundings.root)/workers/example-program")
        from generate import say, make, png, lines
        notes = sys.argv[1]
        def note(name, text):
            with open(f"{notes}/{name}.new", "w") as file: file.write(text)
            os.rename(f"{notes}/{name}.new", f"{notes}/{name}")
        def ready(**changes):
            facts = dict(type="ready", version=1, name="test", device="test-1", sizes="any", batch=16)
            say(**{**facts, **changes})
        def batches():
            for text in sys.stdin:
                if json.loads(text)["type"] == "stop": return
                yield json.loads(text)
        def answer(batch, results=None, **changes):
            results = [make(task, batch) for task in batch["tasks"]] if results is None else results
            say(**{**dict(type="result", id=batch["id"], results=results), **changes})

        """

    /// Writes a program with this body.
    init(_ body: String, prelude: String = prelude) throws {
        folder = FileManager.default.temporaryDirectory.path + "/program-test-" + UUID().uuidString
        path = folder + "/program.py"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data((prelude + body + "\n").utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: folder) } catch { print("\(folder): \(error)") }
    }

    func command(
        timeLimit: Duration = .seconds(30), startLimit: Duration = .seconds(30)
    ) throws -> ProgramCommand {
        try ProgramCommand(path: path, arguments: [folder], timeLimit: timeLimit, startLimit: startLimit)
    }

    /// Runs `body` with the program started, and ends it.
    func started<Value: Sendable>(
        batch: Int = 16, timeLimit: Duration = .seconds(30), log: CollectedLog = CollectedLog(),
        _ body: (ProgramGenerator) async throws -> Value
    ) async throws -> Value {
        let generator = try await ProgramGenerator.start(
            try command(timeLimit: timeLimit), maximumBatch: batch,
            backoff: Backoff(base: .milliseconds(1), cap: .milliseconds(2)), logger: log.logger)
        let outcome: Result<Value, any Error>
        do { outcome = .success(try await body(generator)) } catch { outcome = .failure(error) }
        await generator.stop()
        return try outcome.get()
    }

    /// What the program noted, or `nil` while it has not.
    func note(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(folder)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    /// Waits for a note.
    func wait(for name: String) async throws -> String {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            if let text = note(name) { return text }
            guard ContinuousClock.now < deadline else { throw ProcessFailure("the program never noted \(name)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// A log in memory.
final class CollectedLog: Sendable {
    private let lines = Mutex<[String]>([])

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    /// `message key=value …`, keys sorted.
    var all: [String] { lines.withLock { $0 } }

    private struct Handler: LogHandler {
        let log: CollectedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
            log.lines.withLock {
                $0.append("\(event.message) " + all.map { "\($0.key)=\($0.value)" }.joined(separator: " "))
            }
        }
    }
}
