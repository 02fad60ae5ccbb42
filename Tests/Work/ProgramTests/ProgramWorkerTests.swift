// A generator program behind the built worker, with real servers.

import Fixtures
import Foundation
import Testing

@Suite(.serialized) struct ProgramCommandTests {
    private static let example = Surroundings.root + "/workers/example-program/generate.py"

    @Test func inspectShowsWhatAProgramSays() throws {
        let text = try Commands().succeed("worker", ["inspect", "--program", Self.example])
        #expect(text.contains("capability  example\n") && text.contains("enqueue     --generator example\n"))
        let digest = String(repeating: "0a", count: 32)
        let program = try ScriptedProgram(
            "ready(checkpoint='\(digest)', sizes=['512x512'])\nfor batch in batches(): pass")
        let json = try Commands().succeed(
            "worker", ["inspect", "--program", program.path, "--program-argument", program.folder, "--json"])
        #expect(
            json
                == #"{"batch":16,"capability":"test.0a0a0a0a0a0a","checkpoint":"\#(digest)","deviceClass":"test-1","name":"test","sizes":"512x512"}"#
                + "\n")
        let sized = try Commands().succeed(
            "worker", ["inspect", "--program", program.path, "--program-argument", program.folder])
        #expect(
            sized.contains("enqueue     --generator test --checkpoint-digest \(digest) --size 512x512\n"), "\(sized)")
    }

    @Test func theFolderOfAKilledWorkerIsRemovedByTheNext() async throws {
        let leaver = try ScriptedProgram(#"note("folder", os.getcwd()); sys.stdin.read(); note("left", "")"#)
        let commands = Commands(environment: ["TMPDIR": leaver.folder])
        let killed = try commands.start(
            "worker", ["inspect", "--program", leaver.path, "--program-argument", leaver.folder])
        let folder = try await leaver.wait(for: "folder")
        #expect(folder.hasPrefix("\(leaver.folder)/detdiffusion-program-\(killed.identifier)-"))
        killed.send(SIGKILL)
        #expect(try killed.wait().status == 128 + SIGKILL)
        _ = try await leaver.wait(for: "left")
        #expect(FileManager.default.fileExists(atPath: folder))
        try commands.succeed("worker", ["inspect", "--program", Self.example])
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test func whatAProgramHidesFromItsWorkerEndsWithIt() throws {
        // In its own session, without parent, group, pipe and environment in common with the program.
        let program = try ScriptedProgram(
            """
            if not os.fork():
                os.setsid()
                if os.fork(): os._exit(0)
                note("hidden", str(os.getpid()))
                for number in range(3): os.close(number)
                os.execve("/bin/sleep", ["sleep", "600"], {})
            os.wait()
            while not os.path.exists(notes + "/hidden"): time.sleep(0.005)
            ready()
            """)
        let clock = ContinuousClock()
        let result = try Commands().start(
            "worker",
            ["inspect", "--program", program.path, "--program-argument", program.folder, "--log-level", "info"]
        ).wait(limit: .seconds(30))
        #expect(result.status == 0, "\(result)")
        let hidden = try #require(program.note("hidden"))
        #expect(
            result.errors.contains("left processes behind; they were ended") && result.errors.contains(hidden),
            "\(result)")
        let deadline = clock.now + .seconds(10)
        let identifier = try #require(pid_t(hidden))
        while kill(identifier, 0) == 0, clock.now < deadline { usleep(1_000) }
        #expect(kill(identifier, 0) != 0)
    }

    @Test(arguments: ["0<&-", "0<&- 2>&-", "0<&- 1>&- 2>&-"])
    func aWorkerWithoutStandardDescriptorsSpeaksToItsProgram(closing: String) async throws {
        let program = try ScriptedProgram(
            #"ready(); print("to the log"); note("said", sys.stdin.readline()); note("left", "")"#)
        let worker = "'\(Surroundings.executables)/detdiffusion-worker'"
        let shell = try RunningProcess(
            "/bin/sh",
            ["-c", "exec \(worker) inspect --program \(program.path) --program-argument \(program.folder) \(closing)"])
        // What `inspect` has to say cannot be written where standard output is closed.
        #expect(try shell.wait(limit: .seconds(30)).status == (closing.contains("1>&-") ? 73 : 0))
        #expect(program.note("said") == "{\"type\":\"stop\"}\n")
    }

    @Test(arguments: [
        (["inspect"], 64, "expected either --checkpoint DIR or --program PATH, found neither"),
        (["inspect", "--program", "/nonexistent"], 66, "expected an executable file, found none at /nonexistent"),
        (["inspect", "--program", "/bin/true"], 69, "expected an answer, found that it had ended with exit code 0"),
        (["run", "--generator", "program"], 64, "expected --program PATH, or programs in the profile, found neither"),
        (["run", "--generator", "sketch", "--program", "/bin/true"], 64, "expected --generator program beside"),
        (["run", "--program-argument", "-x"], 64, "--program-argument: expected --program PATH beside it"),
        (["run", "--program", "/bin/true", "--program-time-limit", "0"], 64, "time limit: expected seconds from 0.01"),
    ])
    func whatCannotBeServedIsOneLine(arguments: [String], status: Int32, expected: String) throws {
        let result = try Commands().run("worker", arguments)
        #expect(result.status == status && result.errors.contains(expected), "\(result)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test(arguments: [
        (["--generator", "Not a name"], "--generator: expected 1 to 40 of a-z, 0-9 and '-'"),
        (
            ["--generator", "example", "--checkpoint-digest", "12"],
            "--checkpoint-digest: expected 64 hexadecimal digits"
        ),
        (["--generator", "example", "--steps", "0"], "--steps: expected 1 to 10000, found 0"),
        (["--generator", "example", "--guidance", "nan"], "--guidance: expected a number from 0 to 1000"),
        (["--steps", "5"], "generator sketch draws without a model"),
    ])
    func whatAJobCannotAskForIsOneLine(options: [String], expected: String) throws {
        let arguments = ["plan", "--annotations", "/nonexistent", "--strategy", "hard"] + options
        let result = try Commands().run("producer", arguments)
        #expect(result.status == 64 && result.errors.contains(expected), "\(result)")
    }
}

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ProgramWorkerTests {
    private let program = Surroundings.root + "/workers/example-program/generate.py"
    private static let worker = [
        "run", "--batch", "4", "--hint-horizon", "0.5", "--retry-delay", "0.05", "--exit-when-idle", "0.7",
    ]

    /// A catalogue, a store and an example set of the test's own.
    private func with(_ body: (Commands, String) async throws -> Void) async throws {
        try await TestCatalogue.with { test in
            let folder = FileManager.default.temporaryDirectory.path + "/" + test.schema
            try FileManager.default.createDirectory(atPath: folder + "/store", withIntermediateDirectories: true)
            let commands = Commands(environment: ["DATABASE_URL": test.url, "DETDIFFUSION_STORE": folder + "/store"])
            try test.provision(store: folder + "/store")
            try commands.succeed("producer", ["example", "--out", folder + "/example.json"])
            try await body(commands, folder)
            try FileManager.default.removeItem(atPath: folder)
        }
    }

    private func enqueue(_ name: String, _ options: [String], in folder: String, _ commands: Commands) throws {
        try commands.succeed(
            "producer",
            [
                "enqueue", "--job", name, "--annotations", folder + "/example.json", "--strategy", "hard", "--limit",
                "20",
                "--shard-size", "8", "--size", "64x48",
            ] + options)
    }

    @Test func aWorkerDrainsAJobWithTheExampleProgram() async throws {
        try await with { commands, folder in
            try enqueue("drawn", ["--generator", "example", "--steps", "9", "--guidance", "2.5"], in: folder, commands)
            try commands.succeed("worker", Self.worker + ["--generator", "program", "--program", program])
            let jobs = try commands.succeed("catalogue", ["jobs", "--json"])
            #expect(jobs.contains(#""state":"finished""#) && jobs.contains(#""done":20"#), "\(jobs)")
            try commands.succeed("catalogue", ["verify", "--job", "drawn"])
            try commands.succeed("catalogue", ["audit"])
            try commands.succeed("catalogue", ["export", "coco", "--job", "drawn", "--out", folder + "/export"])
        }
    }

    @Test func oneWorkerServesAProgramAndSketchEachItsOwnJob() async throws {
        var archives: [[String]] = []
        for serving in [["sketch"], ["sketch", "program"]] {
            try await with { commands, folder in
                try enqueue("sketched", ["--generator", "sketch"], in: folder, commands)
                try enqueue("drawn", ["--generator", "example"], in: folder, commands)
                let program = serving.contains("program") ? ["--program", program] : []
                try commands.succeed("worker", Self.worker + serving.flatMap { ["--generator", $0] } + program)
                let shards = try commands.succeed("catalogue", ["shards", "--job", "sketched", "--json"])
                archives.append(shards.matches(of: /"sha256":"([0-9a-f]{64})"/).map { String($0.1) })
                let drawn = try commands.succeed(
                    "catalogue", ["shards", "--job", "drawn", "--state", "finished", "--json"])
                #expect(drawn.split(separator: "\n").count == (serving.contains("program") ? 3 : 0))
            }
        }
        #expect(archives[0].count == 3 && archives[0] == archives[1])
    }

    @Test func aDrainPastItsGraceGivesTheBatchOfAStuckProgramBack() async throws {
        try await with { commands, folder in
            try enqueue("stuck", ["--generator", "test"], in: folder, commands)
            let stuck = try ScriptedProgram(
                #"ready()\#nfor batch in batches(): note("pid", str(os.getpid())); time.sleep(600)"#)
            let worker = try commands.start(
                "worker",
                ["run", "--program", stuck.path, "--program-argument", stuck.folder, "--grace", "0.1", "--batch", "4"])
            let pid = try #require(pid_t(try await stuck.wait(for: "pid")))
            worker.send(SIGTERM)
            #expect(try worker.wait(limit: .seconds(20)).status == 0)
            #expect(kill(pid, 0) != 0)
            let good = try ScriptedProgram("ready()\nfor batch in batches(): answer(batch)")
            let rest = ["--program", good.path, "--program-argument", good.folder]
            try commands.succeed("worker", Self.worker + rest)
            try commands.succeed("catalogue", ["audit"])
            let jobs = try commands.succeed("catalogue", ["jobs", "--json"])
            #expect(jobs.contains(#""state":"finished""#), "\(jobs)")
        }
    }

    @Test func onePoisonTaskDiesAloneAndSaysWhy() async throws {
        try await with { commands, folder in
            try enqueue("poisoned", ["--generator", "test", "--max-attempts", "2"], in: folder, commands)
            let program = try ScriptedProgram(
                """
                ready()
                for batch in batches():
                    if os.path.exists(notes + "/poison"):
                        poison = int(open(notes + "/poison").read())
                    else:
                        poison = batch["tasks"][-1]["image_id"]
                        note("poison", str(poison))
                    if any(task["image_id"] == poison for task in batch["tasks"]): sys.exit("poisoned")
                    answer(batch)
                """)
            try commands.succeed(
                "worker", Self.worker + ["--program", program.path, "--program-argument", program.folder])
            let dead = try commands.succeed("catalogue", ["tasks", "--job", "poisoned", "--state", "dead", "--json"])
            #expect(dead.split(separator: "\n").count == 1 && dead.contains("it last said 'poisoned'"), "\(dead)")
            let jobs = try commands.succeed("catalogue", ["jobs", "--json"])
            #expect(jobs.contains(#""done":19"#), "\(jobs)")
        }
    }
}
