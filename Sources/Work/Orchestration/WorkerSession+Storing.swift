// After the device: store the results, record them, hint what became claimable.

import AsyncAlgorithms
import Catalogue
import Executors
import Failpoints
import Foundation
import Logging
import Tasks

extension WorkerSession {
    /// Stores computed batches until computing has ended.
    func store() async throws {
        defer { stored.finish() }
        for await (batch, handler, store) in computed {
            let results: [TaskResult]
            do {
                results = try await persistentlyPaused(batch) { try await store() }
            } catch is CancellationError {
                if held.holds(batch) { try await giveBack(batch) }
                continue
            } catch {
                logger.warning("Results could not be stored", metadata: metadata(of: batch, error: error))
                results = batch.items.map { .failed($0.number, error) }
            }
            await stored.send((batch, handler, results))
        }
    }

    /// Records stored batches until storing has ended.
    func record() async throws {
        for await (batch, handler, results) in stored {
            Failpoint.hit("worker.before-finish")
            try await finish(batch, by: handler, results: results)
        }
    }

    /// Records what became of a batch, however long the catalogue is away.
    func finish(_ batch: TaskBatch, by handler: any TaskHandler, results: [TaskResult]) async throws {
        let (retry, description) = (attemptBackoff, handler.description)
        let results = results.map(\.storable)
        held.settles(batch)
        let report: FinishReport
        do {
            report = try await persistently("finish") {
                try await self.catalogue.finish(
                    batch, results: results, worker: self.id, deviceClass: description.deviceClass,
                    isReproducible: description.isReproducible
                ) {
                    retry.delay(attempt: $0)
                }
            }
        } catch  where Self.isOfRows(error) {
            // Its lease runs out, which counts: such rows must not be worked on forever.
            held.remove(batch)
            logger.warning("A batch could not be recorded", metadata: metadata(of: batch, error: error))
            return
        }
        Failpoint.hit("worker.after-finish")
        held.remove(batch)
        log(report, of: batch, results: results)
        if let followUp = report.followUp { await announcer.announce(followUp) }
        if !report.opened.isEmpty { await announce(opened: report.opened, after: batch) }
    }

    /// Hints what waited for a shard that this worker finished; a worker that dies before leaves it to idle workers.
    private func announce(opened targets: [HintTarget], after batch: TaskBatch) async {
        logger.info(
            "Shards of other jobs can begin", metadata: ["job.name": "\(batch.job.name)", "shards": "\(targets.count)"])
        Failpoint.hit("worker.before-opened")
        do {
            try await announcer.announce(targets)
        } catch {
            logger.warning(
                "Hints were not confirmed; idle workers will find the work in the catalogue",
                metadata: ["job.name": "\(batch.job.name)", "error": "\(error)"])
        }
        Failpoint.hit("worker.after-opened")
    }

    private func log(_ report: FinishReport, of batch: TaskBatch, results: [TaskResult]) {
        logger.info(
            "Batch recorded",
            metadata: [
                "job.name": "\(batch.job.name)", "shard.number": "\(batch.shardNumber)", "task.kind": "\(batch.kind)",
                "tasks.done": "\(report.accepted.count)", "tasks.failed": "\(report.failed.count)",
                "tasks.fenced": "\(report.fenced.count)",
            ])
        for result in results {
            guard case .failed(let reason, _) = result.outcome, report.failed.contains(result.number) else { continue }
            logger.warning(
                "A task failed",
                metadata: [
                    "job.name": "\(batch.job.name)", "shard.number": "\(batch.shardNumber)",
                    "task.number": "\(result.number)", "reason": "\(reason)",
                ])
        }
    }
}
