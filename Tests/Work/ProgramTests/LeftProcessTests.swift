// Whatever a program starts, and wherever that goes, it ends with the program, and its worker is free in time.

import Fixtures
import Foundation
import Tasks
import Testing

@testable import Handlers

@Suite(.serialized) struct LeftProcessTests {
    /// What hostile programs do to their processes.
    private static let tricks = """
        import ctypes, signal
        def daemon(body=lambda: time.sleep(600), clean=False, close=True):
            # Twice forked, in its own session; alive until it is killed.
            if os.fork(): return os.wait()
            os.setsid()
            if os.fork(): os._exit(0)
            if close: [os.close(n) for n in range(3)]
            note("daemon", str(os.getpid()))
            if clean: os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)"], {})
            body()

        """

    private func isRunning(_ identifier: pid_t) -> Bool { ProcessEntry(identifier).map { !$0.isOver } ?? false }

    /// Waits, without its own clock, until a killed process is gone.
    private func isEnded(_ note: String) async throws -> Bool {
        let identifier = try #require(pid_t(note))
        let deadline = ContinuousClock.now + .seconds(10)
        while isRunning(identifier), ContinuousClock.now < deadline { await Task.yield() }
        return !isRunning(identifier)
    }

    /// Runs a batch, which this program does not answer, and returns what the task's failure says.
    private func failure(
        _ program: ScriptedProgram, log: CollectedLog = CollectedLog(), limit: Duration = .milliseconds(500)
    ) async throws -> String {
        let begin = ContinuousClock.now
        let reason = try await program.started(timeLimit: limit, log: log) { generator in
            let results = try await generator.generate(Made.tasks(1), specification: Made.specification())
            guard case .failure(let failure) = results.first else { throw ProcessFailure("the task did not fail") }
            return failure.description
        }
        #expect(ContinuousClock.now < begin + .seconds(15))
        return reason
    }

    @Test func aProgramThatJoinsItsWorkersGroupIsEndedInTime() async throws {
        let program = try ScriptedProgram(
            """
            import signal
            ready()
            os.setpgid(0, os.getpgid(os.getppid()))
            for name in ("SIGTERM", "SIGHUP", "SIGINT"): signal.signal(getattr(signal, name), signal.SIG_IGN)
            note("pid", str(os.getpid()))
            time.sleep(600)
            """)
        #expect(try await failure(program).contains("expected an answer within 0.5 seconds"))
        #expect(try await isEnded(try await program.wait(for: "pid")))
    }

    @Test(arguments: ["close=True", "close=False"])
    func aDaemonOfItsOwnSessionIsEndedAndNamed(pipes: String) async throws {
        let program = try ScriptedProgram("\(Self.tricks)daemon(\(pipes))\nready()\ntime.sleep(600)")
        let log = CollectedLog()
        #expect(try await failure(program, log: log).contains("expected an answer within 0.5 seconds"))
        let daemon = try await program.wait(for: "daemon")
        #expect(try await isEnded(daemon))
        let notices = log.all.filter { $0.hasPrefix("A program left processes behind; they were ended") }
        #expect(notices.contains { $0.contains("processes=\(daemon) 'python3'") }, "\(log.all)")
    }

    @Test func whatAProgramLeavesAtItsOwnEndIsEnded() async throws {
        let program = try ScriptedProgram(
            "\(Self.tricks)ready()\nfor batch in batches(): daemon(); os._exit(3)")
        #expect(try await failure(program, limit: .seconds(30)).contains("it had ended with exit code 3"))
        #expect(try await isEnded(try await program.wait(for: "daemon")))
    }

    @Test func aDaemonThatKeepsTheOutputOpenDoesNotHideTheEnd() async throws {
        let program = try ScriptedProgram(
            "\(Self.tricks)ready()\nfor batch in batches(): daemon(close=False); os._exit(3)")
        // Far below the limit of the batch, which nobody can answer any more.
        #expect(try await failure(program, limit: .seconds(600)).contains("it had ended with exit code 3"))
        #expect(try await isEnded(try await program.wait(for: "daemon")))
    }

    @Test func whatFleesFromParentToChildIsCaughtByItsWorker() async throws {
        let program = try ScriptedProgram(
            """
            \(Self.tricks)
            def flee():
                # Each generation leaves its parent and its session, and is gone in the next moment.
                for generation in range(20_000):
                    if os.fork(): os._exit(0)
                    os.setsid()
                    if generation == 10: note("fled", "")
                time.sleep(600)
            daemon(flee)
            while not os.path.exists(notes + "/fled"): time.sleep(0.01)
            ready()
            """)
        let result = try Commands().run(
            "worker", ["inspect", "--program", program.path, "--program-argument", program.folder])
        #expect(result.status == 0 && result.errors.contains("processes behind; they were ended"), "\(result)")
        let mark = "/\(URL(fileURLWithPath: program.folder).lastPathComponent)/"
        // One look may miss what is just between two generations.
        let alive = (0..<200).flatMap { _ in ProcessEntry.all().entries }.filter { entry in
            let line = FileManager.default.contents(atPath: "/proc/\(entry.identifier)/cmdline") ?? Data()
            return String(decoding: line, as: UTF8.self).contains(mark)
        }
        #expect(alive.isEmpty)
    }

    @Test func processesOfOthersAreLeftAlone() async throws {
        let other = try RunningProcess("/bin/sleep", ["600"])
        let program = try ScriptedProgram("\(Self.tricks)daemon()\nready()\ntime.sleep(600)")
        _ = try await failure(program)
        #expect(other.isRunning)
        other.send(SIGKILL)
        #expect(try other.wait().status == 128 + SIGKILL)
    }

    @Test func aDescendantIsFoundBelowEveryOtherOne() {
        func entry(_ identifier: pid_t, below parent: pid_t, start: UInt64 = 5) -> ProcessEntry {
            ProcessEntry(
                identifier: identifier, parent: parent, group: 1, session: 1, start: start, isOver: false, name: "a")
        }
        let all = [(1, 0), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5)].map { entry($0.0, below: $0.1) }
        let found = ProgramChildren.descendants(of: [all[1]], among: all)
        #expect(Set(found.map(\.identifier)) == [2, 3, 4])
        #expect(entry(2, below: 1) == entry(2, below: 9) && entry(2, below: 1) != entry(2, below: 1, start: 6))
    }

    @Test func aProcessIsReadWhateverItCallsItself() async throws {
        let program = try ScriptedProgram(
            """
            open("/proc/self/comm", "w").write("a) Z (1 2")
            note("pid", str(os.getpid()))
            ready()
            time.sleep(600)
            """)
        let generator = try await ProgramGenerator.start(
            try program.command(), maximumBatch: 1, logger: CollectedLog().logger)
        let identifier = try #require(pid_t(try await program.wait(for: "pid")))
        let entry = try #require(ProcessEntry(identifier))
        #expect(entry.name == "a) Z (1 2" && entry.parent == getpid() && entry.group == identifier && !entry.isOver)
        let home = try #require(ProcessInfo.processInfo.environment["HOME"])
        #expect(entry.isAlive && entry.began(with: "HOME=\(home)"))
        #expect(!entry.began(with: "HOME="))
        kill(identifier, SIGKILL)
        await generator.stop()
        #expect(!entry.isAlive)
    }

    @Test func foldersInOneAnotherBeyondEveryPathAreRemoved() async throws {
        let program = try ScriptedProgram(
            """
            note("folder", os.getcwd())
            home = os.getcwd()
            for number in range(5_000): os.mkdir("deeper"); os.chdir("deeper")
            ready()
            for batch in batches():
                os.chdir(batch["folder"])
                for number in range(1_000): os.mkdir("deeper"); os.chdir("deeper")
                answer(batch)
                os.chdir(home)
            """)
        let log = CollectedLog()
        try await program.started(log: log) { generator in
            let results = try await generator.generate(Made.tasks(1), specification: Made.specification())
            #expect(results.count == 1 && (try? results[0].get()) != nil)
            let folder = try #require(program.note("folder"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["deeper"])
        }
        #expect(!FileManager.default.fileExists(atPath: try #require(program.note("folder"))))
        #expect(!log.all.contains { $0.contains("left behind") }, "\(log.all)")
    }
}
