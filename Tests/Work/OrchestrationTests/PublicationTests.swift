// What is published together, and text that travels on.

import Digests
import Tasks
import Testing

@testable import Catalogue
@testable import Orchestration

struct PublicationTests {
    private static let mostHints = 2048

    @Test func nothingToPublishIsNoRound() { #expect(JobPublication.rounds(of: []).isEmpty) }

    @Test(arguments: [
        [1], [2048], [2048, 1], [1024, 1024, 1], [5000, 1, 5000], [700, 700, 700, 700],
        Array(repeating: 1, count: 5000),
    ])
    func roundsKeepTheOrderAndTheLimit(hints: [Int]) {
        let targets = hints.enumerated().map { target(shard: Int64($0), hints: $1) }
        let rounds = JobPublication.rounds(of: targets)
        #expect(rounds.flatMap { $0 } == targets)
        #expect(rounds.allSatisfy { !$0.isEmpty })
        for round in rounds where round.count > 1 {
            #expect(round.reduce(0) { $0 + $1.hints.count } <= Self.mostHints)
        }
        // Nothing could have gone with the round before it.
        for (round, next) in zip(rounds, rounds.dropFirst()) {
            #expect(round.reduce(0) { $0 + $1.hints.count } + (next.first?.hints.count ?? 0) > Self.mostHints)
        }
    }

    @Test func textIsKeptAsPostgresTakesIt() {
        #expect("plain".storable == "plain")
        #expect("a\0b".storable == "a\u{FFFD}b")
        #expect(String(repeating: "é", count: 5000).storable.count == 2000)
        let result = TaskResult(number: 1, outcome: .failed(reason: "\0", isPermanent: true))
        #expect(result.storable == TaskResult(number: 1, outcome: .failed(reason: "\u{FFFD}", isPermanent: true)))
    }

    private func target(shard: Int64, hints: Int) -> HintTarget {
        HintTarget(
            queue: WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch")), job: 1, jobName: "j",
            specification: SHA256.digest(of: "s"), shard: shard, range: 0..<(hints * 4 - 3), hintSize: 4)
    }
}
