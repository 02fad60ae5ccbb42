// From a delivery to a staged batch: claim, hint the rest of the range, acknowledge.

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
            guard let (batch, handler) = try await claim(delivery) else { continue }
            held.add(batch)
            await staged.send((batch, handler))
        }
    }

    /// Claims what a delivery speaks of, hints the rest and acknowledges it.
    func claim(_ delivery: Delivery) async throws -> (TaskBatch, any TaskHandler)? {
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
        return claim.batch.map { ($0, handler) }
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
        handlers.first { $0.description.queues.contains { $0.name == queue } }
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
