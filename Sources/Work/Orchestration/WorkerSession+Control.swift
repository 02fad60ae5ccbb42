// Job control: a message nudges, the catalogue's row decides.

import Broker
import Catalogue
import Foundation
import Logging
import Postgres
import Tasks

extension WorkerSession {
    /// Listens to control messages, and asks the catalogue about the jobs that they name.
    func obey() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.listen()
                self.nudges.finish()
            }
            group.addTask { try await self.followNudges() }
            try await group.waitForAll()
        }
    }

    private func listen() async {
        var lastWarning: ContinuousClock.Instant?
        for await message in consumer.broadcasts {
            do {
                nudges.note(try ControlMessage(decoding: message.body).job)
            } catch {
                // Whoever floods the exchange does not fill the log with it.
                guard lastWarning.map({ $0.duration(to: .now) >= .seconds(10) }) ?? true else { continue }
                lastWarning = .now
                logger.warning("An unreadable control message is ignored", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Asks about the jobs that were named and are worked on here; once a second at most, whatever comes meanwhile.
    private func followNudges() async throws {
        for await _ in nudges.signals {
            let jobs = nudges.take().intersection(held.jobs)
            guard !jobs.isEmpty else { continue }
            try await heed(jobs)
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Stops and gives back what belongs to jobs that the catalogue says are cancelled or paused.
    func heed(_ jobs: Set<Int64>) async throws {
        guard !jobs.isEmpty else { return }
        let stopped = try await persistently("look for stopped jobs") {
            try await self.upkeep.stoppedJobs(among: Array(jobs))
        }
        for (job, state) in stopped {
            if state == .cancelled, held.stopWork(job: job) {
                logger.info("Stopping work on a cancelled job", metadata: ["job.id": "\(job)"])
            }
            for batch in held.takeStaged(job: job) { try await giveBack(batch) }
        }
    }

    /// Does something that every worker does from time to time. Rows that cannot be, which somebody must mend, end no
    /// worker: the line names them, and the worker goes on with the rest.
    func tolerating(_ action: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch  where Self.isOfRows(error) {
            logger.warning(
                "Rows of the catalogue cannot be; run `detdiffusion-catalogue audit` and `doctor`",
                metadata: ["action": "\(action)", "error": "\(error)"])
        }
    }

    /// Whether an error says that rows hold what no program of ours writes: numbers out of range (class 22), a broken
    /// constraint, a value of another kind.
    static func isOfRows(_ error: any Error) -> Bool {
        switch error {
        case let error as CatalogueError: return error.code == .unreadable
        case let error as PostgresError:
            if error.isUnknownWorker { return false }
            if case .constraint = error.code { return true }
            return error.code == .decoding || error.sqlstate?.hasPrefix("22") == true
        default: return false
        }
    }
}
