// The batches between claim and finish: what is renewed, dropped and stopped.

import Digests
import Tasks
import Testing

@testable import Orchestration

struct HeldBatchesTests {
    @Test func whatIsHeldIsRenewedUntilItIsRemoved() {
        let held = HeldBatches()
        #expect(held.isEmpty)
        held.add(batch(lease: 1))
        held.add(batch(lease: 2))
        #expect(Set(held.leases) == [1, 2] && held.holds(batch(lease: 1)))
        held.remove(batch(lease: 1))
        held.remove(batch(lease: 1))
        #expect(held.leases == [2] && !held.holds(batch(lease: 1)))
        #expect(held.batches.map(\.lease) == [2])
    }

    @Test func droppingALeaseStopsItsComputingOnly() {
        let held = HeldBatches()
        let tasks = [Int64(1), 2].map { lease in
            held.add(batch(lease: lease))
            let task = computing()
            held.works(on: batch(lease: lease), in: task)
            return task
        }
        #expect(held.drop(leases: [1, 77]).map(\.lease) == [1])
        #expect(tasks[0].isCancelled && !tasks[1].isCancelled)
        #expect(held.leases == [2])
        held.stopWork()
        #expect(tasks[1].isCancelled)
    }

    @Test func stoppingAJobKeepsItsBatchesForGivingBack() {
        let held = HeldBatches()
        let tasks = [(lease: Int64(1), job: Int64(10)), (2, 20)].map { pair in
            let batch = batch(lease: pair.lease, job: pair.job)
            held.add(batch)
            let task = computing()
            held.works(on: batch, in: task)
            return task
        }
        #expect(held.stopWork(job: 20))
        #expect(!held.stopWork(job: 20) && !held.stopWork(job: 77), "nothing more to stop")
        #expect(!tasks[0].isCancelled && tasks[1].isCancelled)
        #expect(Set(held.leases) == [1, 2])
        held.stopWork()
    }

    @Test func onlyWhatHasNotBegunIsStaged() {
        let held = HeldBatches()
        for lease in [Int64(1), 2, 3] { held.add(batch(lease: lease, job: lease == 3 ? 30 : 10)) }
        #expect(held.begins(batch(lease: 1)))
        #expect(held.jobs == [10, 30])
        #expect(held.takeStaged(job: 10).map(\.lease) == [2])
        #expect(held.takeStaged(job: 10).isEmpty && held.jobs == [10, 30])
        #expect(!held.begins(batch(lease: 2)))
        #expect(Set(held.leases) == [1, 3])
        #expect(held.remove(batch(lease: 1)) && !held.remove(batch(lease: 3)), "only the first has begun")
    }

    @Test func workOnABatchThatIsGoneIsStoppedAtOnce() {
        let held = HeldBatches()
        let task = computing()
        held.works(on: batch(lease: 5), in: task)
        #expect(held.isEmpty && task.isCancelled)
    }

    @Test func workThatWasToBeStoppedBeforeItWasTiedIsStopped() {
        let held = HeldBatches()
        held.add(batch(lease: 1, job: 10))
        held.add(batch(lease: 2, job: 20))
        held.stopWork(job: 10)
        let tasks = [(lease: Int64(1), job: Int64(10)), (2, 20)].map { pair in
            let task = computing()
            held.works(on: batch(lease: pair.lease, job: pair.job), in: task)
            return task
        }
        #expect(tasks[0].isCancelled && !tasks[1].isCancelled)
        held.stopWork()
    }

    /// Computes until it is cancelled.
    private func computing() -> Task<StoreResults, any Error> {
        Task {
            try await Task.sleep(for: .seconds(3600))
            return { [] }
        }
    }

    private func batch(lease: Int64, job: Int64 = 1) -> TaskBatch {
        TaskBatch(
            kind: .generate,
            job: .init(id: job, name: "j", specification: "{}", digest: SHA256.digest(of: "{}")), shard: 1,
            shardNumber: 0, lease: lease, items: [])
    }
}
