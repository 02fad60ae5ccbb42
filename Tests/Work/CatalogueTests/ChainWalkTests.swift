// Chains under random steps: after each one the rows are what a few lines of Swift say.

import Fixtures
import Postgres
import Tasks
import Testing

@testable import Catalogue

@Suite(
    .serialized, .enabled(if: TestCatalogue.hasServer, Comment(rawValue: TestCatalogue.serverMissing)))
struct ChainWalkTests {
    /// Jobs by number; job n may follow one with a smaller number.
    private struct Model {
        struct Job {
            var after: (job: Int, by: JobPredecessor.Step)?
            var shards: [String] = []
        }
        var jobs: [Job] = []

        private func isFinished(_ job: Int) -> Bool { jobs[job].shards.allSatisfy { $0 == "finished" } }

        mutating func extend(_ job: Int, by count: Int) {
            let old = jobs[job].shards.count
            jobs[job].shards += Array(repeating: jobs[job].after == nil ? "open" : "blocked", count: count)
            guard let after = jobs[job].after else { return }
            let fellows = jobs[after.job].shards
            for number in jobs[job].shards.indices where jobs[job].shards[number] == "blocked" {
                let hasFellow = after.by == .shard && number >= old && fellows.indices.contains(number)
                if isFinished(after.job) || (hasFellow && fellows[number] == "finished") {
                    jobs[job].shards[number] = "open"
                }
            }
        }

        mutating func finish(_ job: Int, _ number: Int) {
            jobs[job].shards[number] = "finished"
            for follower in jobs.indices where jobs[follower].after?.job == job {
                for place in jobs[follower].shards.indices where jobs[follower].shards[place] == "blocked" {
                    if isFinished(job) || (jobs[follower].after?.by == .shard && place == number) {
                        jobs[follower].shards[place] = "open"
                    }
                }
            }
        }
    }

    /// The generator of a walk (SplitMix64, Steele et al. 2014).
    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test(arguments: 0..<UInt64(6))
    func theRowsAreThoseOfTheModel(seed: UInt64) async throws {
        try await TestCatalogue.with { test in
            var dice = Dice(state: seed)
            var model = Model()
            for step in 0..<120 {
                try await take(step: Int.random(in: 0..<10, using: &dice), &model, &dice, in: test)
                let rows = try await test.catalogue.connection.query(
                    """
                    SELECT string_agg(s.state::text, ',' ORDER BY s.number) AS states FROM shards s
                    GROUP BY s.job_id ORDER BY s.job_id
                    """
                ).map { row throws(PostgresError) in try row.string("states") }
                #expect(rows == model.jobs.map { $0.shards.joined(separator: ",") }, "seed \(seed), step \(step)")
            }
            for job in 1...model.jobs.count {
                let accounts = try await test.catalogue.accounts(job: Int64(job))
                #expect(accounts.allSatisfy { !$0.isMissed })
            }
        }
    }

    /// A new job, a longer one, a finished shard that is made again, or, mostly, a finished shard.
    private func take(step: Int, _ model: inout Model, _ dice: inout Dice, in test: TestCatalogue) async throws {
        let job = model.jobs.indices.randomElement(using: &dice)
        switch (step, job) {
        case (0, _) where model.jobs.count < 8, (_, nil):
            let after = job.map { (job: $0, by: JobPredecessor.Step.allCases.randomElement(using: &dice) ?? .job) }
            model.jobs.append(Model.Job(after: after))
            let shards = Int.random(in: 1...4, using: &dice)
            model.extend(model.jobs.count - 1, by: shards)
            _ = try await test.enqueue(
                "job-\(model.jobs.count - 1)", tasks: shards, shardSize: 1,
                after: after.map { JobPredecessor(job: "job-\($0.job)", by: $0.by) })
        case (1, let job?):
            model.extend(job, by: 2)
            _ = try await test.enqueue("job-\(job)", tasks: model.jobs[job].shards.count, shardSize: 1)
        case (2, let job?):
            guard
                let number = model.jobs[job].shards.indices.filter({ model.jobs[job].shards[$0] == "finished" })
                    .randomElement(using: &dice)
            else { return }
            model.jobs[job].shards[number] = "open"
            try await test.execute(
                "UPDATE shards SET state = 'open', done = 0, tar = NULL, tar_sha256 = NULL, finished_at = NULL WHERE job_id = \(job + 1) AND number = \(number)"
            )
        case (_, let job?):
            guard
                let number = model.jobs[job].shards.indices.filter({ model.jobs[job].shards[$0] == "open" })
                    .randomElement(using: &dice)
            else { return }
            model.finish(job, number)
            try await test.execute(
                "UPDATE shards SET state = 'finished', tar = 't', tar_sha256 = sha256('t'), finished_at = now() WHERE job_id = \(job + 1) AND number = \(number)"
            )
        }
    }
}
