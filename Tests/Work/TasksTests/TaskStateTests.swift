// The life of a task: every event in every state, against a table written out by hand.

import Tasks
import Testing

struct TaskStateTests {
    /// What is not listed changes nothing.
    private static let moves: [TaskState: [TaskEvent: TaskState]] = [
        .open: [.claimed: .leased, .jobCancelled: .cancelled],
        .leased: [
            .finished: .done, .released: .open,
            .failed(isLastAttempt: false): .waiting, .failed(isLastAttempt: true): .dead,
            .leaseExpired(isLastAttempt: false): .waiting, .leaseExpired(isLastAttempt: true): .dead,
        ],
        .waiting: [.due: .open, .jobCancelled: .cancelled],
        .done: [.resultLost: .open],
        .dead: [.retried: .open],
        .cancelled: [:],
    ]

    @Test(arguments: TaskState.allCases, TaskEvent.allCases)
    func everyEventInEveryStateDoesWhatTheTableSays(state: TaskState, event: TaskEvent) {
        #expect(state.moved(by: event) == Self.moves[state]?[event])
    }

    @Test func allEventsAreListedOnce() {
        #expect(Set(TaskEvent.allCases).count == TaskEvent.allCases.count)
        #expect(TaskEvent.allCases.count == 11)
    }

    @Test func onlyALeasedTaskFinishesAndOnlyAnOpenOneIsClaimed() {
        #expect(TaskState.allCases.filter { $0.moved(by: .finished) != nil } == [.leased])
        #expect(TaskState.allCases.filter { $0.moved(by: .claimed) != nil } == [.open])
    }

    @Test func everyStateIsReachedFromOpenAndOnlyCancelledIsForever() {
        var reached: Set<TaskState> = [.open]
        for _ in TaskState.allCases {
            for state in reached { reached.formUnion(TaskEvent.allCases.compactMap { state.moved(by: $0) }) }
        }
        #expect(reached == Set(TaskState.allCases))
        let ends = TaskState.allCases.filter { state in TaskEvent.allCases.allSatisfy { state.moved(by: $0) == nil } }
        #expect(ends == [.cancelled])
    }
}
