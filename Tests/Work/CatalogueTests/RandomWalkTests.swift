// Long seeded walks of operations on a real catalogue, each step predicted by a model.

import Catalogue
import Digests
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct RandomWalkTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func countersEqualCountsAfterEveryStep(seed: UInt64) async throws {
        try await TestCatalogue.with { test in
            var walk = try await Walk(test, seed: seed)
            for step in 0..<400 {
                let operation = try await walk.step(number: step)
                let differences = try await walk.differences()
                try #require(differences == [], "seed \(seed), step \(step): \(operation)")
            }
            // Walks that never finish a shard would prove little.
            #expect(walk.finished > 0)
        }
    }
}

/// SplitMix64: the same walk for the same seed on every machine.
private struct WalkGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// One job, its model, and the batches that imagined workers hold or held.
private struct Walk {
    private static let sizes = [5, 5, 3]
    private static let attempts = 3

    let test: TestCatalogue
    private let name = "walk"
    private let digest: SHA256Digest
    private let job: Int64
    private let shards: [Int64]
    private let workers: [Int64]
    private var model = CatalogueModel(shardSizes: sizes, maximumAttempts: attempts)
    private var batches: [TaskBatch] = []
    private var generator: WalkGenerator
    /// Archives recorded so far.
    private(set) var finished = 0

    init(_ test: TestCatalogue, seed: UInt64) async throws {
        self.test = test
        generator = WalkGenerator(state: seed)
        job = try await test.enqueue(
            name, tasks: Self.sizes.reduce(0, +), shardSize: 5, maximumAttempts: Self.attempts
        ).id
        let targets = try await test.catalogue.unhintedShards(job: job)
        shards = targets.map(\.shard)
        digest = try #require(targets.first).specification
        workers = [try await test.register("one"), try await test.register("two")]
    }

    private mutating func pick(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }
    private mutating func chance(_ percent: Int) -> Bool { pick(0..<100) < percent }

    /// Does one operation to both.
    /// - Returns: its name.
    mutating func step(number: Int) async throws -> String {
        switch pick(0..<100) {
        case ..<34: try await claim()
        case ..<66: try await finish()
        case ..<71: try await release()
        case ..<78: try await expire()
        case ..<86: try await wake()
        case ..<89: try await retry()
        case ..<91: try await allowDead()
        case ..<94: try await pauseOrResume()
        case ..<97: try await reopen()
        case ..<99: try await mend()
        default: number > 300 ? try await cancel() : try await claim()
        }
    }

    private mutating func claim() async throws -> String {
        let shard = pick(0..<shards.count)
        let kind: TaskKind = model.shards[shard].state == .generated || chance(10) ? .pack : .generate
        let first = kind == .pack ? 0 : pick(0..<3)
        let range = first..<(first + (kind == .pack ? 1 : pick(1..<6)))
        let limit = pick(1..<5)
        let expected = model.claimable(kind, shard: shard, range: range, limit: limit)
        let hint = Hint(
            kind: kind, job: job, shard: shards[shard], first: range.lowerBound, count: range.count,
            specification: digest)
        let claim = try await test.catalogue.claim(
            hint, limit: limit, worker: workers[pick(0..<2)], lease: .seconds(600))
        #expect(claim.batch?.items.map(\.number) ?? [] == expected)
        if let batch = claim.batch {
            model.claim(kind, shard: shard, numbers: expected, lease: batch.lease)
            batches.append(batch)
        }
        return "claim \(kind) \(range) of shard \(shard), at most \(limit)"
    }

    /// Finishes a batch that may be current, finished already, or long lost.
    private mutating func finish() async throws -> String {
        guard !batches.isEmpty else { return "nothing to finish" }
        let index = chance(75) ? batches.count - 1 : pick(0..<batches.count)
        let batch = batches[index]
        guard let shard = shards.firstIndex(of: batch.shard) else { return "unknown shard" }
        var results: [TaskResult] = []
        for item in batch.items { results.append(TaskResult(number: item.number, outcome: outcome(item, of: batch))) }
        let isDue = chance(60)
        let before = model.shards.count { $0.state == .finished }
        let expected = model.finish(batch, results: results, shard: shard, isDue: isDue)
        finished += max(0, model.shards.count { $0.state == .finished } - before)
        let report = try await test.catalogue.finish(
            batch, results: results, worker: workers[0], backoff: { _ in isDue ? .zero : .seconds(3600) })
        #expect(report.accepted.sorted() == expected.accepted.sorted())
        #expect(report.fenced.sorted() == expected.fenced.sorted())
        #expect(report.failed.sorted() == expected.failed.sorted())
        if chance(50) { batches.remove(at: index) }
        return "finish \(batch.kind) of shard \(shard): \(results.map(\.outcome))"
    }

    private mutating func outcome(_ item: TaskBatch.Item, of batch: TaskBatch) -> TaskOutcome {
        if chance(15) { return .failed(reason: "walk", isPermanent: chance(30)) }
        let digest = SHA256.digest(of: "\(batch.shard)/\(item.number)")
        return batch.kind == .pack
            ? .archive(ArchiveRecord(path: "shards/walk/walk.tar", digest: digest, bytes: 10, samples: 1))
            : .image(ImageRecord(digest: digest, bytes: 3, width: 8, height: 8))
    }

    private mutating func release() async throws -> String {
        guard let batch = batches.randomElement(using: &generator), let shard = shards.firstIndex(of: batch.shard)
        else {
            return "nothing to release"
        }
        model.release(batch, shard: shard)
        _ = try await test.catalogue.release(batch)
        return "release \(batch.kind) of shard \(shard)"
    }

    private mutating func expire() async throws -> String {
        guard let lease = model.leases.keys.sorted().randomElement(using: &generator) else {
            #expect(try await !test.catalogue.expireOneLease(backoff: .zero))
            return "nothing to expire"
        }
        let isDue = chance(60)
        try await test.execute("UPDATE leases SET expires_at = now() - interval '1 second' WHERE id = \(lease)")
        #expect(try await test.catalogue.expireOneLease(backoff: isDue ? .zero : .seconds(3600)))
        model.expire(lease, isDue: isDue)
        return "expire lease \(lease)"
    }

    private mutating func wake() async throws -> String {
        while try await test.catalogue.wakeOneShard() != nil {}
        model.wake()
        return "wake"
    }

    private mutating func retry() async throws -> String {
        guard model.jobState == .running else {
            return try await refused("retry") { _ = try await $0.retry(job: "walk") }
        }
        _ = try await test.catalogue.retry(job: name)
        model.retry()
        return "retry"
    }

    private mutating func allowDead() async throws -> String {
        let count = pick(0..<3)
        guard model.jobState == .running else {
            return try await refused("allow dead") { _ = try await $0.allowDead(count, job: "walk") }
        }
        _ = try await test.catalogue.allowDead(count, job: name)
        model.allowDead(count)
        return "allow \(count) dead"
    }

    private mutating func pauseOrResume() async throws -> String {
        if model.jobState == .cancelled { return try await refused("pause") { _ = try await $0.pause(job: "walk") } }
        if model.jobState == .paused || chance(60) {
            _ = try await test.catalogue.resume(job: name)
            model.jobState = .running
            return "resume"
        }
        _ = try await test.catalogue.pause(job: name)
        model.jobState = .paused
        return "pause"
    }

    private mutating func reopen() async throws -> String {
        let shard = pick(0..<shards.count)
        let done = model.shards[shard].tasks.indices.filter { model.shards[shard].tasks[$0].state == .done }
        let lost = done.filter { _ in chance(40) }
        guard let row = try await test.catalogue.contents(ofShard: shards[shard])?.row else { return "no shard" }
        let outputs = lost.map { LostRecord(number: $0, digest: SHA256.digest(of: "\(shards[shard])/\($0)")) }
        #expect(try await test.catalogue.reopen(row, lost: outputs))
        model.reopen(shard, lost: lost)
        return "reopen \(lost) of shard \(shard)"
    }

    private mutating func mend() async throws -> String {
        let shard = pick(0..<shards.count)
        try await test.catalogue.mend(shard: shards[shard])
        model.mend(shard)
        return "mend shard \(shard)"
    }

    private mutating func cancel() async throws -> String {
        _ = try await test.catalogue.cancel(job: name)
        model.cancel()
        return "cancel"
    }

    private func refused(_ action: String, _ body: (Catalogue) async throws -> Void) async throws -> String {
        let error = await #expect(throws: CatalogueError.self) { try await body(test.catalogue) }
        #expect(error?.code == .refused)
        return "\(action), refused"
    }

    /// What the rows say and the model does not, and what the audit equation says is wrong.
    func differences() async throws -> [String] {
        var differences: [String] = []
        let rows = try await test.catalogue.tasks(CatalogueFilter(job: name))
        var found: [String: String] = [:], expected: [String: String] = [:]
        for row in rows {
            found["\(row.shard) \(row.kind) \(row.task)"] = "\(row.state) \(row.epoch) \(row.attempt) \(row.deaths)"
        }
        for shard in model.shards.indices {
            for kind in [TaskKind.generate, .pack] {
                for (number, work) in model[shard, kind].enumerated() {
                    expected["\(shard) \(kind) \(number)"] =
                        "\(work.state) \(work.epoch) \(work.attempt) \(work.deaths)"
                }
            }
        }
        for key in Set(found.keys).union(expected.keys).sorted() where found[key] != expected[key] {
            differences.append("\(key): model \(expected[key] ?? "none"), catalogue \(found[key] ?? "none")")
        }
        let leases = try await test.catalogue.connection.query("SELECT id FROM leases").map { try $0.int64("id") }
        if Set(leases) != Set(model.leases.keys) {
            differences.append("leases: \(leases), model \(model.leases.keys.sorted())")
        }
        for (shard, account) in try await test.catalogue.accounts(job: job).enumerated() {
            let part = model.shards[shard]
            if account.state != part.state.rawValue {
                differences.append("shard \(shard): \(account.state), model \(part.state)")
            }
            // A quarantined shard is a finding by itself.
            let findings = account.findings.filter { $0.what != "shard state" || part.state != .quarantined }
            differences += findings.map { "shard \(shard): \($0.what): expected \($0.expected), found \($0.found)" }
        }
        return differences
    }
}
