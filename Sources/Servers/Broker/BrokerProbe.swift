// One look at a broker: who it is, and whether queues are there.

import Executors

/// What a passive declaration tells of a queue.
public struct QueueCounts: Hashable, Sendable {
    /// Messages ready for delivery; lags behind the truth, so decide nothing by it.
    public var messages: Int
    /// Consumers that are subscribed.
    public var consumers: Int
}

/// What a broker tells about itself.
public struct BrokerFacts: Hashable, Sendable {
    /// The product, such as `RabbitMQ`.
    public var product: String
    /// Its version, such as `3.10.8`.
    public var version: String
    /// The cluster's name.
    public var clusterName: String
    /// All text properties of its greeting.
    public var properties: [String: String]
    /// The queues that were asked for and exist.
    public var queues: [String: QueueCounts]

    /// Whether a queue that was asked for exists.
    public func queueExists(_ name: String) -> Bool { queues[name] != nil }
}

/// Connects once, looks, and closes; for checks before anything runs.
public enum BrokerProbe {
    /// Asks a broker who it is, and for queues, which it does not create.
    /// - Throws: ``BrokerError`` when no connection can be made; a missing queue is not an error.
    public static func check(_ url: BrokerURL, queues: [String] = []) async throws(BrokerError) -> BrokerFacts {
        try await perform(url) { connection throws(BrokerError) in
            var counts: [String: QueueCounts] = [:]
            for queue in queues { counts[queue] = try connection.counts(ofQueue: queue) }
            let properties = connection.serverProperties()
            return BrokerFacts(
                product: properties["product"] ?? "", version: properties["version"] ?? "",
                clusterName: properties["cluster_name"] ?? "", properties: properties, queues: counts)
        }
    }

    /// Whether a queue exists; it is not created.
    public static func queueExists(_ name: String, at url: BrokerURL) async throws(BrokerError) -> Bool {
        try await check(url, queues: [name]).queueExists(name)
    }

    /// Does one thing over its own connection, on its own thread.
    static func perform<Result: Sendable>(
        _ url: BrokerURL, _ body: @escaping @Sendable (AMQPConnection) throws(BrokerError) -> Result
    ) async throws(BrokerError) -> Result {
        let control = ConnectionControl()
        let visit = BrokerVisit()
        let outcome = await withTaskCancellationHandler {
            await visit.perform(url, control, body)
        } onCancel: {
            control.stop()
        }
        return try outcome.get()
    }
}

/// The thread of one short connection.
private actor BrokerVisit {
    private let thread = DedicatedThread(name: "amqp-probe")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    func perform<Value: Sendable>(
        _ url: BrokerURL, _ control: ConnectionControl, _ body: (AMQPConnection) throws(BrokerError) -> Value
    ) -> Result<Value, BrokerError> {
        do throws(BrokerError) {
            let connection = try AMQPConnection(url, name: "detdiffusion probe", control: control)
            let value = try body(connection)
            connection.close()
            return .success(value)
        } catch {
            return .failure(error)
        }
    }
}
