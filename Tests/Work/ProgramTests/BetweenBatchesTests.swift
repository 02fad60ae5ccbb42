// What a generator program does between two batches is charged to no task.

import Fixtures
import Foundation
import Pixels
import Tasks
import Testing

@testable import Handlers

@Suite(.serialized) struct BetweenBatchesTests {
    @Test func aLineThatNobodyAskedForIsNotChargedToTheNextBatch() async throws {
        let program = try ScriptedProgram(
            """
            ready()
            for batch in batches():
                results = [make(task, batch) for task in batch["tasks"]]
                lines.write(2 * (json.dumps(dict(type="result", id=batch["id"], results=results)) + "\\n"))
                lines.flush()
            """)
        let log = CollectedLog()
        try await program.started(log: log) { generator in
            for number in 0..<3 {
                let results = try await generator.generate([Made.task(number)], specification: Made.specification())
                #expect(results.compactMap { try? $0.get() }.count == 1, "\(results)")
            }
        }
        let notices = log.all.filter { $0.hasPrefix("A program failed between two batches") }
        #expect(
            notices.count == 2 && notices.allSatisfy { $0.contains("it wrote '{\"type\": \"result\"") }, "\(log.all)")
    }

    @Test func aResultThatComesTwiceAndLateIsNotChargedToTheNextBatch() async throws {
        let program = try ScriptedProgram(
            """
            ready()
            last = None
            for batch in batches():
                if last: answer(last, [dict(id=0, error="again")])
                answer(batch)
                last = batch
            """)
        try await program.started { generator in
            for number in 0..<3 {
                let results = try await generator.generate([Made.task(number)], specification: Made.specification())
                #expect(results.compactMap { try? $0.get() }.count == 1, "\(results)")
            }
        }
    }

    /// Leaves when a line waits for it that it has not read.
    private static let leaving = """
        import fcntl, struct, termios
        def leave():
            while not struct.unpack("i", fcntl.ioctl(0, termios.FIONREAD, bytes(4)))[0]: time.sleep(0.001)
            os._exit(9)
        """

    @Test func aProgramThatDiesBeforeItTakesABatchCostsNoAttempt() async throws {
        let program = try ScriptedProgram(
            """
            \(Self.leaving)
            isFirst = not os.path.exists(notes + "/started")
            note("started", "")
            ready()
            answer(json.loads(sys.stdin.readline()))
            if isFirst: leave()
            for batch in batches(): answer(batch)
            """)
        let log = CollectedLog()
        try await program.started(log: log) { generator in
            for number in 0..<2 {
                let results = try await generator.generate([Made.task(number)], specification: Made.specification())
                #expect(results.compactMap { try? $0.get() }.count == 1, "\(results)")
            }
        }
        #expect(log.all.contains { $0.hasPrefix("A program failed before it took its batch") }, "\(log.all)")
    }

    @Test func aProgramThatNeverTakesABatchPausesTheWork() async throws {
        let program = try ScriptedProgram("\(Self.leaving)\nready()\nleave()")
        try await program.started { generator in
            let pause = try await #require(throws: WorkPaused.self) {
                try await generator.generate(Made.tasks(2), specification: Made.specification())
            }
            #expect(pause.description.contains("expected it to take a batch, found that it had ended with exit code 9"))
        }
    }
}
