// A worker process: consumes hints, claims batches, computes, stores, records, and keeps the whole going.

public import Broker
public import Catalogue
public import Logging
import Messaging
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
        let queues = handlers.flatMap(\.description.queues)
        // A hint for a queue that nobody declared would come back, and wait for somebody's reminder.
        let hinted = WorkTopology(queues: queues + (try await catalogue.followUpQueues()))
        let publisher = Publisher(url: broker, topology: hinted.declared, reportsOutages: false, logger: logger)
        let consumer = Consumer(
            url: broker, topology: WorkTopology(queues: queues).declared,
            queues: queues.map { ConsumedQueue($0.name, prefetch: 1) },
            broadcast: MessageNames.controlExchange, logger: logger)
        let session = WorkerSession(
            id: id, configuration: configuration, handlers: handlers, catalogue: catalogue, upkeep: upkeep,
            renewals: renewals, consumer: consumer, announcer: Announcer(publisher: publisher, logger: logger),
            logger: logger)
        logger.info("Worker started", metadata: ["worker.serves": "\(introduction.serves.map(\.capability))"])
        try await Self.run(session, publisher, consumer)
        logger.info("Worker stopped")
    }

    /// Runs the parts of a session beside one another; the first that fails, or the end of the work, ends them all.
    private static func run(_ session: WorkerSession, _ publisher: Publisher, _ consumer: Consumer) async throws {
        let parts: [@Sendable () async throws -> Void] = [
            publisher.run, consumer.run, session.receive, session.obey, session.renewLeases, session.showLife,
            session.keepGoing,
        ]
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for part in parts {
                group.addTask {
                    try await part()
                    return false
                }
            }
            group.addTask { await session.drainOnShutdown() }
            group.addTask {
                try await session.work()
                return true
            }
            defer { group.cancelAll() }
            while let isDrained = try await group.next() {
                if isDrained { break }
            }
        }
    }
}
