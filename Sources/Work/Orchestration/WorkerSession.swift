// The state that the concurrent parts of one worker share.

import AsyncAlgorithms
import Broker
import Catalogue
import Executors
import Foundation
import Logging
import Messaging
import Postgres
import ServiceLifecycle
import Synchronization
import Tasks

/// One run of a worker: its parts are the methods, in files of their own.
final class WorkerSession: Sendable {
    let id: Int64
    let configuration: WorkerConfiguration
    let handlers: [any TaskHandler]
    let catalogue: Catalogue
    let upkeep: Catalogue
    let renewals: Catalogue
    let consumer: Consumer
    let announcer: Announcer
    let logger: Logger

    let held = HeldBatches()
    /// Hints of work for the device.
    let shelf: DeliveryShelf
    /// Hints of work that needs no device, and is done beside it.
    let sideShelf: DeliveryShelf
    /// The queues by their names, and what serves each: asked several times for every delivery.
    let served: [String: (queue: WorkQueue, handler: any TaskHandler)]
    /// Whose turn it is among the jobs of each queue.
    let turns = QueueTurns()
    /// Shards that this worker failed to pack, and leaves to others for a while.
    let failedShards = FailedShards()
    /// Jobs that control messages named.
    let nudges = JobNudges()
    /// Intake to computing; a send waits until computing takes the batch, so one batch is staged.
    ///
    /// Each batch goes with the handler whose queue it came from: several may serve one kind.
    let staged = AsyncChannel<(batch: TaskBatch, handler: any TaskHandler)>()
    /// Computing to storing.
    let computed = AsyncChannel<(batch: TaskBatch, handler: any TaskHandler, store: StoreResults)>()
    /// Storing to recording, so that the disc's syncs of one batch overlap the COMMIT of the batch before it.
    let stored = AsyncChannel<(batch: TaskBatch, handler: any TaskHandler, results: [TaskResult])>()
    /// How long failed database calls and failed tasks wait: less than the grace that leases have when the catalogue is
    /// back, so that every holder can renew in it.
    let backoff: Backoff

    /// How long the catalogue may take after the grace time to take leases back.
    private static let timeToGiveBack = Duration.seconds(5)

    private let draining = Mutex(false)
    /// When the catalogue was last found to be away.
    private let lastOutage = Mutex<ContinuousClock.Instant?>(nil)
    /// The calls that the catalogue has answered at least once.
    private let answered = Mutex<Set<String>>([])

    init(
        id: Int64, configuration: WorkerConfiguration, handlers: [any TaskHandler], catalogue: Catalogue,
        upkeep: Catalogue, renewals: Catalogue, consumer: Consumer, announcer: Announcer, logger: Logger
    ) {
        self.id = id
        self.configuration = configuration
        self.handlers = handlers
        self.catalogue = catalogue
        self.upkeep = upkeep
        self.renewals = renewals
        self.consumer = consumer
        self.announcer = announcer
        self.logger = logger
        let longestDelay = min(.seconds(15), configuration.lease / 3)
        backoff = Backoff(base: min(.milliseconds(200), longestDelay), cap: longestDelay)
        shelf = DeliveryShelf(queues: handlers.filter(\.needsDevice).flatMap(\.description.queues))
        sideShelf = DeliveryShelf(queues: handlers.filter { !$0.needsDevice }.flatMap(\.description.queues))
        let pairs = handlers.flatMap { handler in
            handler.description.queues.map { ($0.name, (queue: $0, handler: handler)) }
        }
        served = Dictionary(pairs) { first, _ in first }
    }

    var descriptions: [HandlerDescription] { handlers.map(\.description) }

    var isDraining: Bool { draining.withLock { $0 } }

    /// The pipeline: takes hints, computes, stores, until drained; then gives back what is left.
    func work() async throws {
        try await withTaskCancellationHandler {
            do {
                try await runPipeline()
            } catch {
                await giveBackAfterFailure()
                throw error
            }
            try await giveEverythingBack()
        } onCancel: {
            stopPipeline()
        }
    }

    /// Runs the parts. When one fails the others end too: an intake left alone would go on claiming, and renewing
    /// the leases of, tasks that nobody computes.
    private func runPipeline() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.takeIn() }
            group.addTask { try await self.compute() }
            group.addTask { try await self.store() }
            group.addTask { try await self.record() }
            group.addTask { try await self.workAside() }
            do {
                while try await group.next() != nil {}
            } catch {
                stopPipeline()
                group.cancelAll()
                throw error
            }
        }
    }

    /// Ends the waits that no cancellation of a task reaches.
    private func stopPipeline() {
        shelf.close()
        sideShelf.close()
        held.stopWork()
    }

    /// Lets the broker send hints, unless this worker drains; whichever comes first, a drain ends it.
    func consume() {
        draining.withLock { isDraining in
            if !isDraining { consumer.setConsuming(true) }
        }
    }

    /// Begins to drain: no new work, the batch that is being computed may finish within the grace time.
    func drain() async {
        let isFirst = draining.withLock { isDraining in
            defer { isDraining = true }
            if !isDraining { consumer.setConsuming(false) }
            return !isDraining
        }
        guard isFirst else { return }
        logger.info("Draining", metadata: ["batches.held": "\(held.leases.count)"])
        // Others can have these hints now, and need not wait until this process has ended.
        for delivery in shelf.close() + sideShelf.close() { consumer.reject(delivery.tag, requeue: true) }
        do {
            try await upkeep.touch(worker: id, state: .draining)
        } catch {
            logger.warning("The catalogue does not know of the drain", metadata: ["error": "\(error)"])
        }
    }

    /// Drains when the process is asked to stop, and cuts the work short when the grace time is over.
    /// - Returns: true when the worker has to leave with what it still holds, because nobody takes it back.
    func drainOnShutdown() async -> Bool {
        do {
            try await gracefulShutdown()
            await drain()
            try await Task.sleep(for: configuration.grace)
            logger.info(
                "The grace time is over; giving leases back", metadata: ["batches.held": "\(held.leases.count)"])
            held.stopWork()
            try await Task.sleep(for: Self.timeToGiveBack)
        } catch {
            return false  // The worker ended by itself.
        }
        logger.warning(
            "Leaving without the catalogue's answer; leases run out by themselves",
            metadata: ["batches.held": "\(held.leases.count)"])
        return true
    }

    private func giveEverythingBack() async throws {
        for batch in held.batches { try await giveBack(batch) }
        do {
            try await upkeep.touch(worker: id, state: .stopped)
        } catch let error as PostgresError where error.isTransient || error.isBeingMended {
            // Nothing is held any more, so nothing is lost: a drain ends well even while the catalogue is away.
            logger.warning("The catalogue does not know that this worker stopped", metadata: ["error": "\(error)"])
        }
    }

    /// Gives back what can be given back before the worker ends with an error: a lease that runs out would count as a
    /// death of its tasks.
    private func giveBackAfterFailure() async {
        do {
            try await giveEverythingBack()
        } catch {
            logger.warning("Leases were not given back; they run out by themselves", metadata: ["error": "\(error)"])
        }
    }

    /// Gives a batch back and hints it; its tasks are claimable at once.
    func giveBack(_ batch: TaskBatch) async throws {
        let hasBegun = held.remove(batch)
        try await tolerating("release") {
            let target = try await self.persistently("release") {
                try await self.catalogue.release(batch, hasBegun: hasBegun)
            }
            if let target { await self.announcer.announce(target) }
        }
    }

    /// Calls the catalogue until it answers: a server that is away is waited for, with jitter; results are kept
    /// meanwhile. So is one that somebody is mending.
    func persistently<Result: Sendable>(
        _ action: String, _ call: @Sendable () async throws -> Result
    ) async throws -> Result {
        var attempt = 0
        while true {
            do {
                let result = try await call()
                answered.withLock { _ = $0.insert(action) }
                return result
            } catch let error as PostgresError where error.isUnknownWorker {
                throw CatalogueError.forgotten(worker: id)
            } catch let error as PostgresError where isWorthWaiting(for: error, action) {
                if error.isOutage { lastOutage.withLock { $0 = .now } }
                let delay = backoff.delay(attempt: attempt)
                attempt += 1
                logger.warning(
                    error.isBeingMended
                        ? "The catalogue refuses this worker; trying again until somebody has mended it"
                        : "The catalogue is away; trying again",
                    metadata: ["action": "\(action)", "delay": "\(delay)", "error": "\(error)"])
                try await Task.sleep(for: delay)
            }
        }
    }

    /// Whether the catalogue is only away or being mended. It had the whole schema and took this worker's password when the
    /// worker registered; whether the worker has its rights is known once it has recorded a batch, or made this very call.
    func isWorthWaiting(for error: PostgresError, _ action: String = "") -> Bool {
        if error.isTransient { return true }
        guard error.isBeingMended else { return false }
        return error.sqlstate != "42501" || answered.withLock { $0.contains(action) || $0.contains("finish") }
    }

    /// Whether no call found the catalogue away for this long. Where this worker could not renew, others could not
    /// either, as far as it can know; a lease that ran out meanwhile says nothing about its holder.
    func hasHadCatalogue(for duration: Duration) -> Bool {
        lastOutage.withLock { $0.map { $0.duration(to: .now) >= duration } ?? true }
    }
}
