// What this side asks of the broker: topology, publishing, consuming, acknowledging.

import CRabbitMQ

extension AMQPConnection {
    private func rpc(_ action: String, _ call: (ScratchMemory) -> Void) throws(BrokerError) {
        unsafe scratch.reset()
        unsafe call(scratch)
        try checkLastReply(action)
    }

    /// Declares all of it; what is there already stays as it is.
    ///
    /// Who may not declare finds what somebody else declared: producers and workers need no right to configure queues,
    /// which is the right to delete them, too.
    func declare(_ topology: Topology) throws(BrokerError) {
        var mayDeclare = true
        for exchange in topology.fanoutExchanges {
            try make(&mayDeclare, declareExchange(exchange), isThere: exchangeExists(exchange))
        }
        for queue in topology.queues {
            try make(&mayDeclare, declareQueue(queue.name), isThere: counts(ofQueue: queue.name) != nil)
        }
        for binding in topology.bindings {
            try bind(queue: binding.queue, to: binding.exchange, routingKey: binding.routingKey)
        }
    }

    /// Declares one thing, or looks whether it is there. One refusal is enough: each closes the channel and is an error
    /// in the broker's log.
    private func make(
        _ mayDeclare: inout Bool, _ declare: @autoclosure () throws(BrokerError) -> Void,
        isThere: @autoclosure () throws(BrokerError) -> Bool
    ) throws(BrokerError) {
        if !mayDeclare, try isThere() { return }
        do throws(BrokerError) {
            try declare()
        } catch {
            guard mayDeclare, error.isMissingRight else { throw error }
            mayDeclare = false
            try openChannel()
            guard try !isThere() else { return }
            var error = error
            error.message += ", or let an administrator declare it: `detdiffusion-catalogue provision --generator …`"
            throw error
        }
    }

    func declareExchange(_ name: String) throws(BrokerError) {
        try unsafe rpc("declare exchange '\(name)'") { scratch in
            unsafe _ = amqp_exchange_declare(
                state, channel, scratch.bytes(name), scratch.bytes("fanout"), 0, 1, 0, 0, scratch.table([:]))
        }
    }

    func declareQueue(_ name: String) throws(BrokerError) {
        try unsafe rpc("declare queue '\(name)' as a quorum queue (delete it first if it is of another type)") {
            scratch in
            unsafe _ = amqp_queue_declare(
                state, channel, scratch.bytes(name), 0, 1, 0, 0, scratch.table(["x-queue-type": "quorum"]))
        }
    }

    func bind(queue: String, to exchange: String, routingKey: String) throws(BrokerError) {
        try unsafe rpc("bind queue '\(queue)' to exchange '\(exchange)'") { scratch in
            unsafe _ = amqp_queue_bind(
                state, channel, scratch.bytes(queue), scratch.bytes(exchange), scratch.bytes(routingKey),
                scratch.table([:]))
        }
    }

    /// An exclusive, auto-delete queue bound to a fan-out exchange; its name, which the broker chose.
    func declareListener(to exchange: String) throws(BrokerError) -> String {
        var name = ""
        try unsafe rpc("declare a queue for broadcasts") { scratch in
            let declared = unsafe amqp_queue_declare(
                state, channel, scratch.bytes(""), 0, 0, 1, 1, scratch.table([:]))
            if let declared = unsafe declared { unsafe name = Self.string(declared.pointee.queue) }
        }
        try bind(queue: name, to: exchange, routingKey: "")
        return name
    }

    /// Looks at a queue without making it; nil when it is not there. The channel stays usable.
    func counts(ofQueue name: String) throws(BrokerError) -> QueueCounts? {
        var counts: QueueCounts?
        do {
            try unsafe rpc("look at queue '\(name)'") { scratch in
                let declared = unsafe amqp_queue_declare(
                    state, channel, scratch.bytes(name), 1, 0, 0, 0, scratch.table([:]))
                guard let found = unsafe declared?.pointee else { return }
                counts = unsafe QueueCounts(messages: Int(found.message_count), consumers: Int(found.consumer_count))
            }
        } catch {
            guard case .closed(404, _) = error.code else { throw error }
            try openChannel()
        }
        return counts
    }

    /// Deletes a queue with what is in it.
    func deleteQueue(_ name: String) throws(BrokerError) {
        try unsafe rpc("delete queue '\(name)'") { scratch in
            unsafe _ = amqp_queue_delete(state, channel, scratch.bytes(name), 0, 0)
        }
    }

    /// Deletes an exchange.
    func deleteExchange(_ name: String) throws(BrokerError) {
        try unsafe rpc("delete exchange '\(name)'") { scratch in
            unsafe _ = amqp_exchange_delete(state, channel, scratch.bytes(name), 0)
        }
    }

    /// Asks for a confirm of every message published from now on.
    func selectConfirms() throws(BrokerError) {
        try unsafe rpc("select publisher confirms") { _ in unsafe _ = amqp_confirm_select(state, channel) }
    }

    /// Starts a consumer; at most `prefetch` of its deliveries are unacknowledged at a time.
    func consume(queue: String, tag: String, prefetch: Int, acknowledges: Bool) throws(BrokerError) {
        try unsafe rpc("set the prefetch of queue '\(queue)'") { _ in
            unsafe _ = amqp_basic_qos(state, channel, 0, UInt16(clamping: prefetch), 0)
        }
        try unsafe rpc("consume from queue '\(queue)'") { scratch in
            unsafe _ = amqp_basic_consume(
                state, channel, scratch.bytes(queue), scratch.bytes(tag), 0, acknowledges ? 0 : 1, 0, scratch.table([:])
            )
        }
    }

    /// Ends a consumer; what it was given stays to be acknowledged.
    func cancel(tag: String) throws(BrokerError) {
        try unsafe rpc("stop consuming") { scratch in unsafe _ = amqp_basic_cancel(state, channel, scratch.bytes(tag)) }
    }

    func acknowledge(_ number: UInt64) throws(BrokerError) {
        try check(status: unsafe amqp_basic_ack(state, channel, number, 0), "acknowledge a delivery")
    }

    func reject(_ number: UInt64, requeue: Bool) throws(BrokerError) {
        try check(status: unsafe amqp_basic_reject(state, channel, number, requeue ? 1 : 0), "reject a delivery")
    }

    /// Hands one message to the socket.
    func publish(_ outgoing: OutgoingMessage) throws(BrokerError) {
        unsafe scratch.reset()
        var properties = unsafe properties(of: outgoing.message)
        let status = unsafe outgoing.message.body.withUnsafeBytes { body in
            let content = unsafe amqp_bytes_t(
                len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
            return unsafe amqp_basic_publish(
                state, channel, scratch.bytes(outgoing.exchange), scratch.bytes(outgoing.routingKey),
                outgoing.mandatory ? 1 : 0, 0, &properties, content)
        }
        try check(status: status, "publish")
    }

    private func properties(of message: Message) -> amqp_basic_properties_t {
        var properties = unsafe amqp_basic_properties_t()
        var flags =
            AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_TYPE_FLAG
            | AMQP_BASIC_MESSAGE_ID_FLAG
        unsafe properties.content_type = scratch.bytes(message.contentType)
        unsafe properties.delivery_mode = message.persistent ? 2 : 1
        unsafe properties.type = scratch.bytes(message.type)
        unsafe properties.message_id = scratch.bytes(message.messageID)
        if let correlationID = message.correlationID {
            flags |= AMQP_BASIC_CORRELATION_ID_FLAG
            unsafe properties.correlation_id = scratch.bytes(correlationID)
        }
        if !message.headers.isEmpty {
            flags |= AMQP_BASIC_HEADERS_FLAG
            unsafe properties.headers = scratch.table(message.headers)
        }
        unsafe properties._flags = UInt32(flags)
        return unsafe properties
    }

    /// Text entries of what the broker tells about itself.
    func serverProperties() -> [String: String] {
        guard let table = unsafe amqp_get_server_properties(state) else { return [:] }
        return unsafe Self.texts(of: table.pointee)
    }
}
