// The device's turn: one batch after the other; what was made goes to storing while the next is computed.

import Archives
import AsyncAlgorithms
import Broker
import Catalogue
import Digests
import Executors
import Foundation
import Logging
import Postgres
import Stores
import Tasks

extension WorkerSession {
    /// Computes staged batches until intake has ended.
    func compute() async throws {
        defer { computed.finish() }
        for await (batch, handler) in staged {
            consume()
            // Not begun when the drain began; or lost, or its job was paused, while it was staged.
            if isDraining { try await giveBack(batch); continue }
            guard held.begins(batch) else { continue }
            if let store = try await worked(on: batch, by: handler, { try await handler.work(on: batch) }) {
                await computed.send((batch, handler, store))
            }
        }
    }

    /// Repeats `action` while the surroundings fail, the catalogue included; the results stay in hand and the lease is
    /// renewed meanwhile.
    func persistentlyPaused<Result: Sendable>(
        _ batch: TaskBatch, _ action: @Sendable () async throws -> Result
    ) async throws -> Result {
        var attempt = 0
        while true {
            do {
                return try await action()
            } catch  where isOfTheSurroundings(error) {
                guard !isDraining, held.holds(batch) else { throw CancellationError() }
                logger.warning("Work pauses", metadata: metadata(of: batch, error: error))
                try await Task.sleep(for: backoff.delay(attempt: attempt))
                attempt += 1
            }
        }
    }

    /// Whether waiting may mend it, and no attempt should be counted: reading pauses where writing pauses.
    private func isOfTheSurroundings(_ error: any Error) -> Bool {
        switch error {
        case is WorkPaused: true
        case let error as PostgresError: isWorthWaiting(for: error)
        case let error as StoreError: error.code.isOfTheSurroundings
        // Of a temporary file that is read back.
        case let error as ArchiveError: error.code.isOfTheSurroundings || error.code == .missing
        case is DigestError: true
        default: false
        }
    }

    func metadata(of batch: TaskBatch, error: any Error) -> Logger.Metadata {
        [
            "job.name": "\(batch.job.name)", "shard.number": "\(batch.shardNumber)", "task.kind": "\(batch.kind)",
            "error": "\(error)",
        ]
    }
}

extension TaskResult {
    /// The result of a task whose whole batch failed.
    static func failed(_ number: Int, _ error: any Error) -> TaskResult {
        TaskResult(number: number, outcome: .failed(reason: "\(error)", isPermanent: false))
    }
}
