// The batches whose leases this worker holds: what must be renewed, and what is given back when it leaves.

import Foundation
import Synchronization
import Tasks

/// The batches between claim and finish.
final class HeldBatches: Sendable {
    /// A batch and the way to stop its work.
    private struct Entry {
        var batch: TaskBatch
        /// Whether its turn on the device has come; before that it is staged.
        var hasBegun = false
        var stop: (@Sendable () -> Void)?
        /// Whether it was to be stopped, perhaps before its work was tied to it.
        var isStopped = false
        /// Whether its results are being recorded, which ends its lease.
        var isSettling = false
    }

    private let entries = Mutex<[Int64: Entry]>([:])

    /// Whether no batch is held.
    var isEmpty: Bool { entries.withLock { $0.isEmpty } }

    /// The leases to renew.
    var leases: [Int64] { entries.withLock { Array($0.keys) } }

    /// All batches that are held.
    var batches: [TaskBatch] { entries.withLock { $0.values.map(\.batch) } }

    func add(_ batch: TaskBatch) {
        entries.withLock { $0[batch.lease] = Entry(batch: batch) }
    }

    /// Notes that the batch's turn on the device has come.
    /// - Returns: false when it is not held any more.
    func begins(_ batch: TaskBatch) -> Bool {
        entries.withLock { entries in
            entries[batch.lease]?.hasBegun = true
            return entries[batch.lease] != nil
        }
    }

    /// The jobs of the batches that are held.
    var jobs: Set<Int64> { entries.withLock { Set($0.values.map(\.batch.job.id)) } }

    /// Forgets the batches of a job that wait for their turn, so that they can be given back.
    func takeStaged(job: Int64) -> [TaskBatch] {
        entries.withLock { entries in
            let staged = entries.values.filter { !$0.hasBegun && $0.batch.job.id == job }.map(\.batch)
            for batch in staged { entries.removeValue(forKey: batch.lease) }
            return staged
        }
    }

    /// Whether the batch is still held.
    func holds(_ batch: TaskBatch) -> Bool { entries.withLock { $0[batch.lease] != nil } }

    /// Ties the work to its batch, so that it can be stopped; stops it at once where the batch is lost or was to be
    /// stopped before.
    func works<Result>(on batch: TaskBatch, in task: Task<Result, any Error>) {
        let isWanted = entries.withLock { entries in
            entries[batch.lease]?.stop = { task.cancel() }
            return entries[batch.lease]?.isStopped == false
        }
        if !isWanted { task.cancel() }
    }

    /// Notes that its results are being recorded: a lease that is gone now was not lost.
    func settles(_ batch: TaskBatch) {
        entries.withLock { $0[batch.lease]?.isSettling = true }
    }

    /// Forgets a batch.
    /// - Returns: whether its turn had come.
    @discardableResult
    func remove(_ batch: TaskBatch) -> Bool {
        entries.withLock { $0.removeValue(forKey: batch.lease)?.hasBegun ?? false }
    }

    /// Forgets batches whose leases were lost and stops their work: somebody else has their tasks now.
    func drop(leases: Set<Int64>) -> [TaskBatch] {
        entries.withLock { entries in
            leases.compactMap { lease in
                guard let entry = entries[lease], !entry.isSettling else { return nil }
                entries.removeValue(forKey: lease)
                entry.stop?()
                return entry.batch
            }
        }
    }

    /// Stops work on the batches of a job; they stay held until they are given back.
    /// - Returns: whether there was any that had not been stopped before.
    @discardableResult
    func stopWork(job: Int64) -> Bool { stop { $0.job.id == job } }

    /// Stops all work.
    func stopWork() { stop { _ in true } }

    @discardableResult
    private func stop(where isMeant: (TaskBatch) -> Bool) -> Bool {
        entries.withLock { entries in
            var isNew = false
            for (lease, entry) in entries where isMeant(entry.batch) {
                isNew = isNew || !entry.isStopped
                entries[lease]?.isStopped = true
                entry.stop?()
            }
            return isNew
        }
    }
}
