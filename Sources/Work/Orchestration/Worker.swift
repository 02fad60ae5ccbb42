// A worker process: consumes hints, claims batches, computes, stores, records, and keeps the whole going.

public import Broker
public import Catalogue
public import Logging
public import ServiceLifecycle
public import Tasks

/// The worker loop for any kinds of task.
///
/// Computing one batch, one more staged, storing and recording overlapped with the next computing, and beside all this
/// the work that needs no device; leases are renewed by their own task over their own connection, so that
/// nothing of this blocks a heartbeat or a renewal. It ends when it was drained: by a graceful shutdown, or because it
/// was idle for as long as its configuration says.
public struct Worker: Service {
    private let configuration: WorkerConfiguration
    private let handlers: [any TaskHandler]
    private let catalogue: Catalogue
    private let upkeep: Catalogue
    private let renewals: Catalogue
    private let broker: BrokerURL
    private let introduction: WorkerIntroduction
    private let logger: Logger

    /// Makes a worker.
    /// - Parameters:
    ///   - handlers: the kinds that it serves, the most urgent first.
    ///   - catalogue: finishes.
    ///   - upkeep: claims and keeps the work going; a second connection, so that a long finish cannot hold it up.
    ///   - renewals: renews leases; a third connection, whose answers have little time.
    public init(
        configuration: WorkerConfiguration, handlers: [any TaskHandler], catalogue: Catalogue, upkeep: Catalogue,
        renewals: Catalogue, broker: BrokerURL, introduction: WorkerIntroduction, logger: Logger
    ) {
        precondition(!handlers.isEmpty, "a worker serves at least one kind of task")
        self.configuration = configuration
        self.handlers = handlers
        self.catalogue = catalogue
        self.upkeep = upkeep
        self.renewals = renewals
        self.broker = broker
        self.introduction = introduction
        self.logger = logger
    }

    /// Works until drained.
    /// - Throws: errors that waiting cannot mend: wrong credentials, an unknown schema, a handler that cannot prepare.
    public func run() async throws {
        try await catalogue.requireCurrentSchema()
        for handler in handlers { try await handler.prepare() }
        let id = try await catalogue.register(introduction)
        var logger = logger
        logger[metadataKey: "worker.id"] = "\(id)"
        let queues = Self.queues(of: handlers)
        // A hint for a queue that nobody declared would come back, and wait for somebody's reminder.
        let hinted = queues + (try await catalogue.followUpQueues()).filter { !queues.contains($0) }
        let publisher = Publisher(
            url: broker, topology: .detdiffusion(queues: hinted), reportsOutages: false, logger: logger)
        let consumer = Consumer(
            url: broker, topology: .detdiffusion(queues: queues),
            queues: queues.map { ConsumedQueue($0.name, prefetch: 1) },
            broadcast: MessageNames.controlExchange, logger: logger)
        let session = WorkerSession(
            id: id, configuration: configuration, handlers: handlers, catalogue: catalogue, upkeep: upkeep,
            renewals: renewals, consumer: consumer, announcer: Announcer(publisher: publisher, logger: logger),
            logger: logger)
        logger.info("Worker started", metadata: ["worker.serves": "\(introduction.serves.map(\.capability))"])
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await publisher.run(); return false
            }
            group.addTask {
                try await consumer.run(); return false
            }
            group.addTask {
                await session.receive(); return false
            }
            group.addTask {
                try await session.obey(); return false
            }
            group.addTask {
                try await session.renewLeases(); return false
            }
            group.addTask {
                try await session.showLife(); return false
            }
            group.addTask {
                try await session.keepGoing(); return false
            }
            group.addTask {
                await session.drainOnShutdown()
            }
            group.addTask {
                try await session.work(); return true
            }
            defer { group.cancelAll() }
            while let isDrained = try await group.next() {
                if isDrained { break }
            }
        }
        logger.info("Worker stopped")
    }

    /// Every queue that the handlers serve, the most urgent first: by kind in the order of the handlers,
    /// high lanes first.
    static func queues(of handlers: [any TaskHandler]) -> [WorkQueue] {
        handlers.map(\.description).flatMap { description in
            [Lane.high, .normal].map {
                WorkQueue(kind: description.kind, capability: description.capability, lane: $0)
            }
        }
    }
}

extension Topology {
    /// What a producer or worker needs on the broker: its work queues and the control exchange. Everything else about
    /// the queues is policy.
    public static func detdiffusion(queues: [WorkQueue]) -> Topology {
        Topology(
            queues: queues.map { QueueDeclaration($0.name) }, fanoutExchanges: [MessageNames.controlExchange])
    }
}
