// Setting a broker up, and looking at its exchanges, over one short connection.

import CRabbitMQ

extension BrokerProbe {
    /// Declares queues, exchanges and bindings once; what is there already stays as it is.
    /// - Throws: ``BrokerError``, `closed` with 406 for a queue or exchange of another type.
    public static func declare(_ topology: Topology, at url: BrokerURL) async throws(BrokerError) {
        try await perform(url) { connection throws(BrokerError) in try connection.declare(topology) }
    }

    /// Those of the exchanges that exist; none is created.
    public static func existingExchanges(
        _ names: [String], at url: BrokerURL
    ) async throws(BrokerError) -> Set<String> {
        try await perform(url) { connection throws(BrokerError) in
            var found: Set<String> = []
            for name in names where try connection.exchangeExists(name) { found.insert(name) }
            return found
        }
    }
}

extension AMQPConnection {
    /// Looks for an exchange without making it. The channel stays usable.
    func exchangeExists(_ name: String) throws(BrokerError) -> Bool {
        unsafe scratch.reset()
        unsafe _ = amqp_exchange_declare(
            state, channel, scratch.bytes(name), scratch.bytes("fanout"), 1, 1, 0, 0, scratch.table([:]))
        do {
            try checkLastReply("look at exchange '\(name)'")
            return true
        } catch {
            guard case .closed(404, _) = error.code else { throw error }
            try openChannel()
            return false
        }
    }
}
