// Whose turn it is: shares by tasks, newcomers, and jobs that come back.

import Tasks
import Testing

@testable import Orchestration

struct JobTurnsTests {
    /// Gives each turn `sizes[job]` tasks, so many times.
    private func serve(_ turns: inout JobTurns, times: Int, sizes: [Int64: Int] = [:]) -> [Int64] {
        (0..<times).compactMap { _ in
            guard let job = turns.next else { return nil }
            turns.gave(sizes[job] ?? 4, to: job)
            return job
        }
    }

    @Test func whereOneJobCompetesNobodyTakesTurns() {
        var turns = JobTurns()
        #expect(turns.next == nil)
        turns.compete([7])
        #expect(turns.next == nil)
    }

    @Test func jobsTakeTurns() {
        var turns = JobTurns()
        turns.compete([1, 2, 3])
        #expect(serve(&turns, times: 9) == [1, 2, 3, 1, 2, 3, 1, 2, 3])
    }

    @Test func aNewcomerComesNextAndIsOwedNothing() {
        var turns = JobTurns()
        turns.compete([1])
        for _ in 0..<1000 { turns.gave(16, to: 1) }
        turns.compete([1, 2])
        #expect(serve(&turns, times: 6) == [2, 1, 2, 1, 2, 1])
    }

    @Test func sharesAreOfTasksNotOfClaims() {
        var turns = JobTurns()
        turns.compete([1, 2])
        let order = serve(&turns, times: 500, sizes: [1: 16, 2: 4])
        let (large, small) = (order.count { $0 == 1 } * 16, order.count { $0 == 2 } * 4)
        #expect(abs(large - small) <= 16)
    }

    @Test func aJobWithoutWorkHasNoTurnUntilItCompetesAgain() {
        var turns = JobTurns()
        turns.compete([1, 2, 3])
        turns.drop(2)
        #expect(serve(&turns, times: 100).allSatisfy { $0 != 2 })
        turns.compete([1, 2, 3])
        // It is next, and does not catch up on what it could not use.
        #expect(Set(serve(&turns, times: 3)) == [1, 2, 3])
    }

    @Test func whoIsGoneIsForgotten() {
        var turns = JobTurns()
        turns.compete([1, 2])
        _ = serve(&turns, times: 20)
        turns.compete([2])
        turns.compete([2, 3])
        #expect(turns.next == 3)
        turns.gave(4, to: 1)
        #expect(turns.jobs == [2, 3])
    }

    @Test func aHintOfAJobThatIsNotKnownIsServedAsItComes() {
        let turns = QueueTurns()
        let queue = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"))
        #expect(turns.other(than: 1, in: queue) == nil)
        turns.compete([1, 2], in: queue)
        #expect(turns.other(than: 1, in: queue) == nil && turns.other(than: 2, in: queue) == 1)
        #expect(turns.other(than: 9, in: queue) == nil)
        var urgent = queue
        urgent.lane = .high
        #expect(turns.other(than: 2, in: urgent) == nil)
    }

    @Test func theListOfJobsIsAskedForNowAndThen() {
        let turns = QueueTurns()
        let queue = WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch"))
        let now = ContinuousClock.now
        #expect(turns.isLookDue(queue, at: now))
        #expect(!turns.isLookDue(queue, at: now + .milliseconds(199)))
        #expect(turns.isLookDue(queue, at: now + .milliseconds(200)))
    }
}
