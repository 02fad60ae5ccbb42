// Standard output that cannot be written, and readers that left: every command ends as the README says.

import Fixtures
import Foundation
import Testing

/// Where a command's output goes, as a shell says it.
enum Destination: String, CaseIterable {
    case fullDisc = #"exec "$@" >/dev/full"#
    case closed = #"exec "$@" >&-"#
    /// A pipe whose reader is gone before the command begins.
    case leftReader = #"d=$(mktemp -d); mkfifo "$d/p"; exec 3<>"$d/p" 4>"$d/p" 3<&-; rm -r "$d"; exec "$@" >&4 4>&-"#
    /// The same for standard error.
    case leftLogReader =
        #"d=$(mktemp -d); mkfifo "$d/p"; exec 3<>"$d/p" 4>"$d/p" 3<&-; rm -r "$d"; exec "$@" 2>&4 4>&-"#
    case fullLogDisc = #"exec "$@" 2>/dev/full"#
    case closedLog = #"exec "$@" 2>&-"#
    case everythingClosed = #"exec "$@" <&- >&- 2>&-"#

    /// Starts `detdiffusion-<name>` with it.
    func start(_ name: String, _ arguments: [String], environment: [String: String] = [:]) throws -> RunningProcess {
        try RunningProcess(
            "/bin/sh", ["-c", rawValue, "sh", "\(Surroundings.executables)/detdiffusion-\(name)"] + arguments,
            environment: environment)
    }
}

struct OutputFailureTests {
    private static let sample: String = {
        let path = FileManager.default.temporaryDirectory.path + "/output-failure-sample-\(getpid()).json"
        _ = try? Commands().succeed("producer", ["example", "--out", path])  // Its absence fails the tests below.
        return path
    }()

    /// Commands that write something and need no server.
    private static let commands: [(String, [String])] = [
        ("producer", ["--help"]), ("producer", ["plan", "--annotations", sample, "--strategy", "hard"]),
        ("producer", ["plan", "--annotations", sample, "--strategy", "hard", "--json"]),
        ("producer", ["enqueue", "--job", "x", "--annotations", sample, "--strategy", "hard", "--dry-run"]),
        ("worker", ["run", "--help"]), ("worker", ["inspect", "--checkpoint", TinyCheckpoint.sd1.folder]),
        ("worker", ["inspect", "--checkpoint", TinyCheckpoint.sd1.folder, "--json"]),
        ("catalogue", ["verify", sample]), ("catalogue", ["help", "watch"]),
    ]

    @Test(arguments: [Destination.fullDisc, .closed])
    func outputThatCannotBeWrittenIsOneLineAnd73(destination: Destination) throws {
        for (command, arguments) in Self.commands {
            let result = try destination.start(command, arguments).wait()
            let about: Comment = "\(destination): \(command) \(arguments): \(result.errors)"
            #expect(result.status == 73, about)
            #expect(result.errors.split(separator: "\n").count == 1, about)
            #expect(result.errors.hasPrefix("detdiffusion-\(command): standard output: expected"), about)
            #expect(result.errors.contains(destination == .closed ? "it is closed" : "No space left"), about)
        }
    }

    @Test func aReaderThatLeftEndsACommandQuietly() throws {
        for (command, arguments) in Self.commands {
            let result = try Destination.leftReader.start(command, arguments).wait()
            #expect(
                result.status == 128 + SIGPIPE && result.errors.isEmpty, "\(command) \(arguments): \(result.errors)")
        }
    }

    /// Remarks and progress are for whoever looks; the result and the exit code say what happened.
    @Test(arguments: [Destination.leftLogReader, .fullLogDisc, .closedLog])
    func remarksThatNobodyReadsChangeNothing(destination: Destination) throws {
        let plan = ["plan", "--annotations", Self.sample, "--strategy", "hard"]
        let expected = try Commands().succeed("producer", plan)
        let result = try destination.start("producer", plan).wait()
        #expect(result.status == 0 && result.output == expected, "\(destination)")
        let refused = try destination.start("producer", ["plan", "--annotations", "/none", "--strategy", "hard"]).wait()
        #expect(refused.status == 66 && refused.output.isEmpty, "\(destination)")
    }

    /// What has nothing to say needs nobody to say it to.
    @Test func aCommandWithoutOutputNeedsNone() throws {
        let path = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString
        defer { unlink(path) }
        for destination in [Destination.closed, .everythingClosed, .fullDisc] {
            let result = try destination.start("producer", ["example", "--out", path, "--images", "3"]).wait()
            #expect(result.status == 0 && result.errors.isEmpty, "\(destination): \(result.errors)")
        }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.hasPrefix("{") && text.hasSuffix("}\n"), "nothing else was written into the file")
    }

    /// `print` does not say when it fails.
    @Test func everyLineOfResultsGoesThroughTheCheckedOutput() throws {
        let sources = Surroundings.root + "/Sources"
        let files = try FileManager.default.subpathsOfDirectory(atPath: sources).filter { $0.hasSuffix(".swift") }
        for file in files where file.hasPrefix("detdiffusion-") || file.hasPrefix("Console/") {
            let text = try String(contentsOfFile: sources + "/" + file, encoding: .utf8)
            let calls = text.matches(
                of: #/(?:^|[^.\w`])(?:print\(|FileHandle\.standard|fputs\()/#.anchorsMatchLineEndings())
            #expect(calls.isEmpty, "\(file): write with `tell` or `remark`")
        }
    }
}

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ServedOutputFailureTests {
    /// The rest of the commands, on a job that is finished.
    @Test(.timeLimit(.minutes(3))) func everyCommandOfTheCatalogueEndsAsTheREADMESays() throws {
        try TestWorld.with("output") { world in
            try world.enqueue("o", limit: 4)
            try world.commands.succeed("worker", TestWorld.worker)
            for (command, arguments) in Self.commands(world) {
                for destination in [Destination.fullDisc, .closed, .leftReader] {
                    let result = try destination.start(command, arguments, environment: world.commands.environment)
                        .wait()
                    let about: Comment = "\(destination): \(command) \(arguments): \(result.status) \(result.errors)"
                    if destination == .leftReader {
                        #expect(result.status == 128 + SIGPIPE, about)
                        #expect(!result.errors.contains("standard output"), about)
                    } else {
                        #expect(result.status == 73, about)
                        let last = result.errors.split(separator: "\n").last ?? ""
                        #expect(last.hasPrefix("detdiffusion-\(command): standard output: expected"), about)
                    }
                }
            }
            // What was asked for was done all the same, and only its report is missing.
            #expect(try world.records("jobs", ["--job", "p"]).first?["state"] as? String == "paused")
        }
    }

    private static func commands(_ world: TestWorld) -> [(String, [String])] {
        let job = ["--job", "o"], out = world.folder + "/out"
        return [
            (
                "producer",
                [
                    "enqueue", "--job", "p", "--annotations", world.folder + "/example.json", "--strategy", "hard",
                    "--limit", "2", "--size", "64x48",
                ]
            ),
            ("catalogue", ["jobs"]), ("catalogue", ["jobs", "--json"]), ("catalogue", ["shards"] + job),
            ("catalogue", ["tasks"] + job), ("catalogue", ["outputs", "--json"] + job), ("catalogue", ["workers"]),
            ("catalogue", ["results"] + job),
            ("catalogue", ["watch", "--until", "finished"] + job), ("catalogue", ["watch"] + job),
            ("catalogue", ["audit"] + job),
            ("catalogue", ["verify"] + job), ("catalogue", ["gc", "--dry-run"]), ("catalogue", ["gc", "--json"]),
            ("catalogue", ["migrate"]), ("catalogue", ["reconcile", "--dry-run"] + job), ("catalogue", ["doctor"]),
            ("catalogue", ["doctor", "--json"]), ("catalogue", ["provision", "--dry-run"]),
            ("catalogue", ["export", "coco", "--out", out + "-coco"] + job),
            ("catalogue", ["export", "webdataset", "--out", out + "-tar"] + job),
            ("catalogue", ["sheet", "--out", out + ".png"] + job),
            ("catalogue", ["finish", "--allow-dead", "1", "--job", "p"]), ("catalogue", ["pause", "--job", "p"]),
        ]
    }

    /// It has nothing to write here, and must not wait for a job to learn that nobody is there to read of it.
    @Test func aWatchWithoutReaderEnds() throws {
        try TestWorld.with("output") { world in
            let watch = ["watch", "--every", "0.1"]
            let result = try Destination.leftReader.start("catalogue", watch, environment: world.commands.environment)
                .wait(limit: .seconds(30))
            #expect(result.status == 128 + SIGPIPE && result.errors.isEmpty, "\(result.status) \(result.errors)")
        }
    }

    @Test(
        "a worker works on when nobody reads its log any more", .timeLimit(.minutes(2)),
        arguments: [Destination.leftLogReader, .fullLogDisc, .closedLog, .everythingClosed])
    func aWorkerWithoutLog(destination: Destination) throws {
        try TestWorld.with("output") { world in
            try world.enqueue("quiet", limit: 8)
            let worker = try destination.start(
                "worker", TestWorld.worker + ["--log-level", "trace"], environment: world.commands.environment)
            let result = try worker.wait()
            #expect(result.status == 0 && result.output.isEmpty, "\(destination): \(result.status)")
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
        }
    }
}
