// The life of a generator program: start, log, cancellation, restart, end.

import Executors
import Fixtures
import Foundation
import Pixels
import Tasks
import Testing

@testable import Handlers

@Suite(.serialized) struct ProgramLifeTests {
    private let good = "ready()\nfor batch in batches(): answer(batch)"

    private func startError(_ program: ScriptedProgram, limit: Duration = .seconds(30)) async throws -> String {
        let command = try program.command(startLimit: limit)
        let error = try await #require(throws: ProgramError.self) {
            let generator = try await ProgramGenerator.start(command, maximumBatch: 1, logger: CollectedLog().logger)
            await generator.stop()
        }
        #expect(error.code == .start)
        return error.description
    }

    private func exists(_ identifier: String) -> Bool {
        guard let number = pid_t(identifier), kill(number, 0) == 0 else { return false }
        // A zombie that its new parent has not reaped yet has ended, too.
        let status = FileManager.default.contents(atPath: "/proc/\(number)/stat").map {
            String(decoding: $0, as: UTF8.self)
        }
        return status.map { !$0.contains(") Z ") } ?? false
    }

    @Test func aProgramThatDoesNotBecomeReadySaysWhy() async throws {
        #expect(
            try await startError(try ScriptedProgram("sys.exit('no GPU found')"))
                == "before its ready line: program program.py: expected an answer, found that it had ended with exit code 1; "
                + "it last said 'no GPU found'")
        #expect(
            try await startError(try ScriptedProgram("time.sleep(600)"), limit: .milliseconds(200))
                .contains("expected an answer within 0.2 seconds"))
        #expect(
            try await startError(try ScriptedProgram("ready(version=2)")).contains(
                "expected version 1 of the protocol, found 2"))
        #expect(
            try await startError(try ScriptedProgram("answer(dict(id=1, tasks=[]))")).contains("found type 'result'"))
        #expect(
            try await startError(try ScriptedProgram("", prelude: "#!/nonexistent/interpreter\n"))
                .contains("cannot be started (No such file or directory)"))
    }

    @Test func aPathThatIsNoExecutableIsRefused() throws {
        for (path, found) in [
            ("/nonexistent/x", "found none at"), ("/tmp", "found a folder"), (#filePath, "chmod +x"),
        ] {
            let error = try #require(throws: ProgramError.self) { try ProgramCommand(path: path) }
            #expect(error.description.contains(found))
        }
    }

    @Test func standardErrorGoesToTheLogCutAndThrottled() async throws {
        let program = try ScriptedProgram(
            """
            print("printed")
            sys.stderr.write("y" * 5000 + "\\n")
            for number in range(2000): sys.stderr.write(f"line {number}\\n")
            sys.stderr.write("no newline")
            \(good)
            """)
        let log = CollectedLog()
        try await program.started(log: log) { _ in }
        let said = log.all.filter { $0.hasPrefix("A program says ") }
        #expect(said.first == "A program says line=printed program.name=program.py")
        #expect(said[1] == "A program says line=\(String(repeating: "y", count: 2000))… program.name=program.py")
        #expect(said[2].contains("line=line 0 "))
        #expect((200..<400).contains(said.count))
    }

    @Test func itRunsInAFolderOfItsOwnWithNothingInherited() async throws {
        let leaked = open("/dev/null", O_RDONLY)
        defer { close(leaked) }
        let program = try ScriptedProgram(
            """
            note("descriptors", " ".join(sorted(os.listdir("/proc/self/fd"), key=int)))
            note("folder", os.getcwd())
            note("group", f"{os.getpid()} {os.getpgid(0)}")
            import signal
            note("signals", f"{int(signal.getsignal(signal.SIGTERM))} {signal.pthread_sigmask(signal.SIG_BLOCK, [])}")
            \(good)
            """)
        let folder = try await program.started { generator in
            _ = try await generator.generate(Made.tasks(2), specification: Made.specification())
            let folder = try #require(program.note("folder"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
            return folder
        }
        // Its own three, the protocol's copy of one, and the listing itself.
        #expect(program.note("descriptors") == "0 1 2 3 4")
        let group = try #require(program.note("group")).split(separator: " ")
        #expect(group[0] == group[1])
        #expect(program.note("signals") == "0 set()")
        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test func pipesKeepAwayFromTheStandardDescriptors() throws {
        let pipe = try ChildProcess.Pipe(lowest: 200)
        defer { pipe.close() }
        #expect(pipe.read >= 200 && pipe.write >= 200 && pipe.read != pipe.write)
        for end in [pipe.read, pipe.write] { #expect(fcntl(end, F_GETFD) & FD_CLOEXEC != 0) }
        #expect(write(pipe.write, "x", 1) == 1)
        var byte: UInt8 = 0
        #expect(read(pipe.read, &byte, 1) == 1 && byte == UInt8(ascii: "x"))
    }

    @Test func noDescriptorStaysOpenAfterManyStarts() async throws {
        func pipes() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)")
                return target?.hasPrefix("pipe:") == true  // One that closed meanwhile counts for nothing.
            }.count
        }
        let program = try ScriptedProgram("ready()\nfor batch in batches(): sys.exit(1)")
        let before = try pipes()
        _ = try await program.started { try await $0.generate(Made.tasks(8), specification: Made.specification()) }
        #expect(try pipes() <= before)
    }

    @Test func cancellationEndsItAndItsDescendantsPromptly() async throws {
        let program = try ScriptedProgram(
            """
            ready()
            for batch in batches():
                if os.path.exists(notes + "/pids"):
                    answer(batch)
                    continue
                child = subprocess.Popen(["sleep", "600"])
                note("pids", f"{os.getpid()} {child.pid}")
                time.sleep(600)
            """)
        try await program.started { generator in
            let task = Task { try await generator.generate(Made.tasks(2), specification: Made.specification()) }
            let pids = try await program.wait(for: "pids").split(separator: " ").map(String.init)
            #expect(pids.allSatisfy(exists))
            let clock = ContinuousClock()
            let begin = clock.now
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(clock.now < begin + .seconds(2))
            // The kernel ends what was killed in its own time.
            while pids.contains(where: exists), clock.now < begin + .seconds(10) { await Task.yield() }
            #expect(!pids.contains(where: exists))
            // The next batch finds a new program.
            let results = try await generator.generate(Made.tasks(1), specification: Made.specification())
            #expect(results.count == 1 && (try? results[0].get()) != nil)
        }
    }

    @Test func aProgramThatLeftBetweenTwoBatchesIsStartedAgain() async throws {
        let program = try ScriptedProgram(
            """
            ready()
            for batch in batches():
                answer(batch)
                if not os.path.exists(notes + "/gone"): note("gone", str(os.getpid())); sys.exit(0)
            """)
        try await program.started { generator in
            _ = try await generator.generate(Made.tasks(1), specification: Made.specification())
            let first = try await program.wait(for: "gone")
            while exists(first) { await Task.yield() }
            let results = try await generator.generate(Made.tasks(3), specification: Made.specification())
            #expect(results.compactMap { try? $0.get() }.count == 3)
        }
    }

    @Test func aProgramThatDoesNotStartAgainPausesTheWorkAndFailsNoTask() async throws {
        let program = try ScriptedProgram(
            """
            if os.path.exists(notes + "/died"): sys.exit("the driver is gone")
            \(#"ready(); note("died", ""); [sys.exit(1) for batch in batches()]"#)
            """)
        try await program.started { generator in
            let pause = try await #require(throws: WorkPaused.self) {
                try await generator.generate(Made.tasks(2), specification: Made.specification())
            }
            #expect(pause.description.contains("the driver is gone"))
        }
    }

    @Test func aProgramThatBecomesAnotherPausesTheWork() async throws {
        let program = try ScriptedProgram(
            """
            ready(batch=4 if os.path.exists(notes + "/died") else 2)
            note("died", "")
            for batch in batches(): sys.exit(1)
            """)
        try await program.started { generator in
            let pause = try await #require(throws: WorkPaused.self) {
                try await generator.generate(Made.tasks(2), specification: Made.specification())
            }
            #expect(pause.description.contains("expected the ready line of its first start (test on test-1"))
        }
    }

    @Test func foldersOfDeadWorkersAreRemovedAtTheNextStart() async throws {
        let temporary = FileManager.default.temporaryDirectory.path
        let left = "\(temporary)/detdiffusion-program-1-left"
        let (foreign, link) = ("\(temporary)/detdiffusion-program", "\(temporary)/detdiffusion-program-1-link")
        for folder in [left + "/batch-1", foreign] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: foreign)
        defer { for path in [left, foreign, link] { try? FileManager.default.removeItem(atPath: path) } }
        let living = try ProgramFolder.working { print($0) }
        let log = CollectedLog()
        try await ScriptedProgram(good).started(log: log) { _ in }
        #expect(!FileManager.default.fileExists(atPath: left))
        #expect(FileManager.default.fileExists(atPath: living.path) && FileManager.default.fileExists(atPath: foreign))
        #expect(
            log.all.contains {
                $0.hasPrefix("Removed the folder of a program whose worker is gone") && $0.contains(left)
            })
    }

    @Test func itIsAskedToLeaveAndMayTidyUp() async throws {
        let program = try ScriptedProgram("\(good)\nnote('left', 'tidy')")
        try await program.started { _ in }
        #expect(program.note("left") == "tidy")
    }
}
