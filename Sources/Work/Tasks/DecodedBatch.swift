// A batch whose payloads were read: what handlers compute on. The type of what they read ends here, for all kinds alike.

/// Claimed tasks of one shard beside what they have to do.
public struct DecodedBatch<Work: Sendable>: Sendable {
    /// One task that could be read.
    public struct Item: Sendable {
        /// Its number in the shard, from 0.
        public var number: Int
        /// What it has to do.
        public var work: Work

        /// Ties work to its task.
        public init(number: Int, work: Work) {
            self.number = number
            self.work = work
        }
    }

    /// What the tasks do.
    public var kind: TaskKind
    /// The job that they belong to.
    public var job: TaskBatch.Job
    /// The shard's row.
    public var shard: Int64
    /// The shard's number in the job, from 0.
    public var shardNumber: Int
    /// The tasks, in the order of their numbers; at least one.
    public var items: [Item]
}

extension TaskHandler {
    /// Computes a claimed batch: reads its payloads, computes what could be read, and adds the failures of the rest to the
    /// results. The worker loop knows handlers by this alone, without the type of their work.
    public func work(on batch: TaskBatch) async throws -> StoreResults {
        var items: [DecodedBatch<Work>.Item] = []
        var unreadable: [TaskResult] = []
        for item in batch.items {
            do {
                items.append(DecodedBatch<Work>.Item(number: item.number, work: try decode(item.payload)))
            } catch {
                unreadable.append(
                    TaskResult(number: item.number, outcome: .failed(reason: "\(error)", isPermanent: true)))
            }
        }
        let failures = unreadable
        guard !items.isEmpty else { return { () -> [TaskResult] in failures } }
        let store = try await compute(
            DecodedBatch<Work>(
                kind: batch.kind, job: batch.job, shard: batch.shard, shardNumber: batch.shardNumber, items: items))
        return { () async throws -> [TaskResult] in try await store() + failures }
    }
}
