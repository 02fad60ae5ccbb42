// From a delivery to a staged batch: whose turn it is, claim, hint the rest of the range, acknowledge.

import AsyncAlgorithms
import Broker
import Catalogue
import Failpoints
import Foundation
import Logging
import Messaging
import Tasks

extension WorkerSession {
    /// Puts what the broker sends on its shelf; what was on its way when a drain began goes back.
    func receive() async {
        for await delivery in consumer.deliveries {
            let isAside = handler(for: delivery.queue)?.needsDevice == false
            guard (isAside ? sideShelf : shelf).put(delivery) else {
                consumer.reject(delivery.tag, requeue: true)
                continue
            }
        }
    }

    /// Handles one hint for the device after the other; a batch waits here until computing has room for it.
    func takeIn() async throws {
        defer { staged.finish() }
        while !isDraining, let delivery = await shelf.take() {
            guard let (batch, handler) = try await claimInTurn(delivery) else { continue }
            held.add(batch)
            await staged.send((batch, handler))
        }
    }

    /// Claims for the job whose turn it is: what the delivery speaks of, or some work of another job, whose own hints
    /// come later. The delivery then waits for its job's turn, so that no message is added.
    ///
    /// Work beside the device takes no turns: it comes shard by shard as the device makes it, in the device's shares.
    private func claimInTurn(_ delivery: Delivery) async throws -> (TaskBatch, any TaskHandler)? {
        guard let (hint, handler) = try await read(delivery) else { return nil }
        guard let queue = served[delivery.queue]?.queue else { return nil }
        if turns.isLookDue(queue) {
            let jobs = try await persistently("look for competing jobs") {
                try await self.upkeep.claimableJobs(of: queue)
            }
            turns.compete(jobs, in: queue)
        }
        while let job = turns.other(than: hint.job, in: queue) {
            guard let batch = try await claim(ofJob: job, in: queue, by: handler) else {
                turns.drop(job, in: queue)
                continue
            }
            turns.gave(batch.items.count, to: job, in: queue)
            // One that came over a lost connection comes again by itself.
            if consumer.isCurrent(delivery.tag), !shelf.keep(delivery) {
                consumer.reject(delivery.tag, requeue: true)
            }
            return (batch, handler)
        }
        let batch = try await claim(hint, of: delivery, by: handler)
        if let batch { turns.gave(batch.items.count, to: hint.job, in: queue) }
        return batch.map { ($0, handler) }
    }

    /// Claims what a delivery speaks of, hints the rest and acknowledges it.
    func claim(_ delivery: Delivery) async throws -> (TaskBatch, any TaskHandler)? {
        guard let (hint, handler) = try await read(delivery) else { return nil }
        return try await claim(hint, of: delivery, by: handler).map { ($0, handler) }
    }

    /// The hint of a delivery and who serves it; `nil` for what nobody can read, which is kept.
    private func read(_ delivery: Delivery) async throws -> (Hint, any TaskHandler)? {
        let hint: Hint
        do {
            hint = try readHint(delivery)
        } catch {
            try await keep(delivery, because: error)
            return nil
        }
        guard let handler = handler(for: delivery.queue) else {
            try await keep(delivery, because: TaskError(.invalid, "no handler serves queue \(delivery.queue)"))
            return nil
        }
        return (hint, handler)
    }

    /// Claims some work of a job that no delivery in hand speaks of.
    private func claim(
        ofJob job: Int64, in queue: WorkQueue, by handler: any TaskHandler
    ) async throws -> TaskBatch? {
        Failpoint.hit("worker.before-turn")
        var batch: TaskBatch?
        try await tolerating("claim in turn") {
            batch = try await self.persistently("claim in turn") {
                try await self.upkeep.claim(
                    ofJob: job, in: queue, limit: handler.description.maximumBatch, worker: self.id,
                    lease: self.configuration.lease)
            }
        }
        Failpoint.hit("worker.after-turn")
        return batch
    }

    /// Claims what a hint speaks of, hints the rest and acknowledges its delivery.
    private func claim(_ hint: Hint, of delivery: Delivery, by handler: any TaskHandler) async throws -> TaskBatch? {
        if failedShards.areLeft(hint) {
            try await leave(delivery)
            return nil
        }
        Failpoint.hit("worker.before-claim")
        // Not on the connection of `finish`, whose COMMIT waits for the disc.
        let claim: Claim
        do {
            claim = try await persistently("claim") {
                try await self.upkeep.claim(
                    hint, capability: handler.description.capability, limit: handler.description.maximumBatch,
                    worker: self.id, lease: self.configuration.lease)
            }
        } catch  where Self.isOfRows(error) {
            try await keep(delivery, because: TaskError(.invalid, "hint of rows that cannot be claimed: \(error)"))
            return nil
        }
        Failpoint.hit("worker.after-claim")
        if let rest = claim.rest {
            await announcer.announce(rest, trace: TraceContext(continuing: delivery.message.headers["traceparent"]))
        }
        Failpoint.hit("worker.before-acknowledge")
        consumer.acknowledge(delivery.tag)
        Failpoint.hit("worker.after-acknowledge")
        return claim.batch
    }

    private func readHint(_ delivery: Delivery) throws(TaskError) -> Hint {
        guard !delivery.isOversized else {
            throw TaskError(
                .unreadable, "hint message: expected at most 1 MiB, found a larger body (its first 64 KiB are kept)")
        }
        let hint = try Hint(decoding: delivery.message.body)
        guard handler(for: delivery.queue)?.description.kind == hint.kind else {
            throw TaskError(
                .unreadable, "hint message: its kind '\(hint.kind)' is not the kind of queue \(delivery.queue)")
        }
        return hint
    }

    /// Keeps an unreadable message in the dead-letter table, then acknowledges it: it must never circle.
    private func keep(_ delivery: Delivery, because error: TaskError) async throws {
        logger.warning(
            "An unreadable message goes to the dead-letter table",
            metadata: [
                "queue.name": "\(delivery.queue)", "message.id": "\(delivery.message.messageID)", "error": "\(error)",
            ])
        try await persistently("keep dead letter") {
            try await self.catalogue.keepDeadLetter(
                queue: delivery.queue, messageID: delivery.message.messageID.storable, body: delivery.message.body,
                reason: error.description.storable)
        }
        consumer.acknowledge(delivery.tag)
    }

    /// Puts a hint of work that failed here back into its queue, for others; not at once, or it would circle between
    /// the broker and a worker that has nobody beside it.
    private func leave(_ delivery: Delivery) async throws {
        try await Task.sleep(for: min(.milliseconds(500), configuration.timeForOthers / 2))
        await announcer.putBack(delivery)
        consumer.acknowledge(delivery.tag)
    }

    private func handler(for queue: String) -> (any TaskHandler)? {
        served[queue]?.handler
    }

    /// Puts deliveries that found no room for long back into their queues as new messages, and stops consuming until
    /// there is room: the broker would close the channel over a message that stays unacknowledged for 30 minutes.
    ///
    /// What waits for the work beside the device stops nothing, or that work would hold up the device after all.
    func returnStaleDeliveries() async {
        let stale = shelf.takeStale(patience: configuration.deliveryPatience)
        if !stale.isEmpty { consumer.setConsuming(false) }
        for delivery in stale + sideShelf.takeStale(patience: configuration.deliveryPatience) {
            logger.debug("A hint found no room and goes back", metadata: ["queue.name": "\(delivery.queue)"])
            await announcer.putBack(delivery)
            consumer.acknowledge(delivery.tag)
        }
    }
}
