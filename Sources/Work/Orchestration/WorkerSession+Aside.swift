// Beside the device: work that needs none, such as packing, one batch after the other from its claim to its record.

import Broker
import Catalogue
import Failpoints
import Foundation
import Logging
import Tasks

extension WorkerSession {
    /// Works on what the side shelf hints until the drain begins. The device goes on meanwhile, and the end of the
    /// grace time, a lost lease or a cancelled job stop this work as they stop computing.
    func workAside() async throws {
        while !isDraining, let delivery = await sideShelf.take() {
            guard let (batch, handler) = try await claim(delivery) else { continue }
            held.add(batch)
            if isDraining { try await giveBack(batch); continue }
            guard held.begins(batch) else { continue }
            guard let results = try await worked(on: batch, by: handler, { try await handler.work(on: batch)() }) else {
                continue
            }
            if results.contains(where: \.isFailure) {
                failedShards.note(batch, until: .now + configuration.timeForOthers)
            }
            Failpoint.hit("worker.before-finish")
            try await finish(batch, by: handler, results: results)
        }
    }

    /// Runs a part of a batch's work so that it can be stopped.
    /// - Returns: `nil` when there is nothing left to do: it was stopped, and the batch given back where it was still
    ///   held, or it failed, which is recorded.
    func worked<Result: Sendable>(
        on batch: TaskBatch, by handler: any TaskHandler, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        let task = Task { try await persistentlyPaused(batch, work) }
        held.works(on: batch, in: task)
        do {
            return try await withTaskCancellationHandler {
                try await task.value
            } onCancel: {
                task.cancel()
            }
        } catch  where task.isCancelled || error is CancellationError {
            // Drained past the grace time, its job was cancelled, or the lease was lost.
            if held.holds(batch) { try await giveBack(batch) }
        } catch let error as WorkerUnfit {
            // Every batch would fail here, and the tasks of all of them in the end.
            if held.holds(batch) { try await giveBack(batch) }
            throw error
        } catch {
            logger.warning("A batch failed", metadata: metadata(of: batch, error: error))
            if !handler.needsDevice { failedShards.note(batch, until: .now + configuration.timeForOthers) }
            try await finish(batch, by: handler, results: batch.items.map { .failed($0.number, error) })
        }
        return nil
    }
}

extension TaskResult {
    fileprivate var isFailure: Bool { if case .failed = outcome { true } else { false } }
}

extension WorkerConfiguration {
    /// How long work that failed here is left to other workers.
    var timeForOthers: Duration { min(.seconds(10), hintHorizon / 3) }
}
