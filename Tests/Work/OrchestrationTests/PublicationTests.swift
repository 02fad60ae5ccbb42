// What is published together, and the trace that ties it: rounds, traces, text that travels on.

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

    @Test func aTraceIsContinuedAsItIs() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        #expect(TraceContext(continuing: header).traceparent == header)
    }

    @Test(arguments: [
        nil, "", "nonsense", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319z-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-" + String(repeating: "0", count: 100_000),
        "00-äaf7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
    ])
    func whatIsNoTraceBeginsANewOne(header: String?) throws {
        let trace = TraceContext(continuing: header).traceparent
        #expect(trace != header)
        #expect(trace.wholeMatch(of: /00-[0-9a-f]{32}-[0-9a-f]{16}-01/) != nil)
    }

    @Test func newTracesDiffer() { #expect(Set((0..<100).map { _ in TraceContext() }).count == 100) }

    @Test func textIsKeptAsPostgresTakesIt() {
        #expect("plain".storable == "plain")
        #expect("a\0b".storable == "a\u{FFFD}b")
        #expect(String(repeating: "é", count: 5000).storable.count == 2000)
        let result = TaskResult(number: 1, outcome: .failed(reason: "\0", isPermanent: true))
        #expect(result.storable == TaskResult(number: 1, outcome: .failed(reason: "\u{FFFD}", isPermanent: true)))
    }

    @Test func aWorkersQueuesAreMostUrgentFirst() {
        let names = Worker.queues(of: [
            Silent(kind: .pack, capability: .archive),
            Silent(kind: .generate, capability: Capability(rawValue: "sketch")),
        ])
        #expect(
            names.map(\.name) == [
                "detdiffusion.v1.pack.archive.high", "detdiffusion.v1.pack.archive",
                "detdiffusion.v1.generate.sketch.high", "detdiffusion.v1.generate.sketch",
            ])
    }

    private struct Silent: TaskHandler {
        let description: HandlerDescription
        init(kind: TaskKind, capability: Capability) {
            description = HandlerDescription(kind: kind, capability: capability, maximumBatch: 1, deviceClass: "none")
        }
        func prepare() async throws {}
        func compute(_ batch: DecodedBatch<Void>) async throws -> StoreResults { { [] } }
    }

    private func target(shard: Int64, hints: Int) -> HintTarget {
        HintTarget(
            queue: WorkQueue(kind: .generate, capability: Capability(rawValue: "sketch")), job: 1, jobName: "j",
            specification: SHA256.digest(of: "s"), shard: shard, range: 0..<(hints * 4 - 3), hintSize: 4)
    }
}
