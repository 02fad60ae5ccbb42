// Keeping going: renewals, expired leases, due tasks, forgotten shards, and leaving when there is nothing to do.

import Broker
import Catalogue
import Executors
import Foundation
import Logging
import Tasks

extension WorkerSession {
    /// How long a failed task waits before its next attempt.
    var attemptBackoff: Backoff {
        Backoff(base: configuration.retryDelay, cap: max(configuration.retryDelay, .seconds(300)))
    }

    /// Renews every sixth of a lease; a lease that is gone is dropped and the work under it stopped.
    ///
    /// Nothing else happens here, and over its own connection whose answers have an eighth of the lease: a network
    /// that stalls is known, and said, before a third of the lease is over.
    func renewLeases() async throws {
        while true {
            try await Task.sleep(for: min(configuration.lease / 6, .seconds(30)))
            let leases = held.leases
            guard !leases.isEmpty else { continue }
            let kept = try await persistently("renew leases") {
                try await self.renewals.renew(leases, worker: self.id, for: self.configuration.lease)
            }
            // A batch that finished meanwhile is not held any more, so it cannot be mistaken for a lost one.
            for batch in held.drop(leases: Set(leases).subtracting(kept)) {
                logger.warning(
                    "A lease was lost; its batch belongs to somebody else now",
                    metadata: ["job.name": "\(batch.job.name)", "shard.number": "\(batch.shardNumber)"])
            }
        }
    }

    /// Shows a sign of life, and gives back what should not be held.
    func showLife() async throws {
        while true {
            let interval = min(configuration.lease / 3, .seconds(30))
            try await Task.sleep(for: interval)
            try await tolerating("give stray claims back") { try await self.giveBackStrays(olderThan: interval) }
            // Where the message about it was lost or came before the claim.
            try await heed(held.jobs)
            let state = isDraining ? WorkerState.draining : .running
            try await persistently("show a sign of life") {
                try await self.upkeep.touch(worker: self.id, state: state)
            }
        }
    }

    /// Gives back what was claimed for this worker by a COMMIT whose answer it never saw.
    private func giveBackStrays(olderThan age: Duration) async throws {
        let targets = try await persistently("give stray claims back") {
            try await self.upkeep.releaseStrays(of: self.id, except: self.held.leases, olderThan: age)
        }
        for target in targets {
            logger.info("Gave a claim back whose answer was lost", metadata: ["job.name": "\(target.jobName)"])
            await announcer.announce(target)
        }
    }

    /// Mends what others left behind, and looks for work when none comes.
    func keepGoing() async throws {
        let tick = min(.seconds(1), configuration.lease / 6)
        var lastMending = ContinuousClock.now - configuration.lease
        var lastLook = ContinuousClock.now
        var idleSince: ContinuousClock.Instant?
        while true {
            try await Task.sleep(for: tick)
            await returnStaleDeliveries()
            if lastMending.duration(to: .now) >= configuration.lease / 3 {
                try await tolerating("expire leases") { try await self.expireLeases() }
                try await tolerating("wake due tasks") { try await self.wakeDueTasks() }
                lastMending = .now
            }
            let lastDelivery = max(shelf.lastDelivery, sideShelf.lastDelivery)
            guard held.isEmpty, lastDelivery.duration(to: .now) >= tick, !isDraining else {
                idleSince = nil
                continue
            }
            consume()
            if lastLook.duration(to: .now) >= min(configuration.hintHorizon / 3, .seconds(5)) {
                try await tolerating("remind") { try await self.remind() }
                lastLook = .now
            }
            if let limit = configuration.exitWhenIdle {
                let isIdle = try await persistently("look for work") {
                    try await self.upkeep.isIdle(serving: self.descriptions)
                }
                if isIdle { idleSince = idleSince ?? .now } else { idleSince = nil }
                if let since = idleSince, since.duration(to: .now) >= limit { await drain(); return }
            }
        }
    }

    /// The tasks of expired leases become waiting.
    private func expireLeases() async throws {
        try await persistently("expire leases") {
            // Asked anew in every round: this call, too, may have waited for a catalogue that was away.
            while self.hasHadCatalogue(for: self.configuration.lease),
                try await self.upkeep.expireOneLease(
                    backoff: self.attemptBackoff.delay(attempt: 0), grace: self.configuration.lease)
            {
                self.logger.info("Took tasks back whose lease had run out")
            }
        }
    }

    /// Waiting tasks that are due become open; who moved them hints them.
    private func wakeDueTasks() async throws {
        while let targets = try await persistently("wake due tasks", { try await self.upkeep.wakeOneShard() }) {
            for target in targets { await announcer.announce(target) }
        }
    }

    private func remind() async throws {
        let targets = try await persistently("look for forgotten work") {
            try await self.upkeep.forgottenShards(serving: self.descriptions, horizon: self.configuration.hintHorizon)
        }
        for target in targets {
            logger.info(
                "Hinting forgotten work", metadata: ["job.name": "\(target.jobName)", "shard.id": "\(target.shard)"])
            await announcer.announce(target)
        }
    }
}
