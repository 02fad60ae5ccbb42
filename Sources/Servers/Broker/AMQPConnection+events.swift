// Reading frames without waiting, and what they mean.

import CRabbitMQ
import Foundation

/// What the broker tells an open connection.
enum ConnectionEvent: Sendable {
    /// A whole message, delivered or returned.
    case content(ContentAssembler.Content)
    /// A confirm.
    case acknowledged(UInt64, multiple: Bool)
    /// A refusal of a published message.
    case refused(UInt64, multiple: Bool)
    /// The broker ended a consumer, as it does when its queue is deleted.
    case consumerCancelled(String)
    /// An alarm: the broker takes no messages, for this reason.
    case blocked(String)
    /// The alarm is over.
    case unblocked
}

extension AMQPConnection {
    /// The next event that is already here, or nil; also sends and watches heartbeats.
    func nextEvent() throws(BrokerError) -> ConnectionEvent? {
        while true {
            // Everything of the last frame is copied by now; what the library has queued stays.
            unsafe amqp_maybe_release_buffers(state)
            var frame = unsafe amqp_frame_t()
            var immediately = timeval(tv_sec: 0, tv_usec: 0)
            let status = unsafe amqp_simple_wait_frame_noblock(state, &frame, &immediately)
            if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
            try check(status: status, "read from it")
            var event: ConnectionEvent?
            switch Int32(unsafe frame.frame_type) {
            case AMQP_FRAME_METHOD: event = try unsafe methodEvent(frame.payload.method)
            case AMQP_FRAME_HEADER: event = try unsafe headerEvent(frame)
            case AMQP_FRAME_BODY: event = try unsafe bodyEvent(frame.payload.body_fragment)
            default: break
            }
            if let event { return event }
        }
    }

    private func methodEvent(_ method: amqp_method_t) throws(BrokerError) -> ConnectionEvent? {
        switch unsafe method.id {
        case detdiffusion_basic_deliver, detdiffusion_basic_return:
            guard assembler.begin(unsafe purpose(of: method)) else { throw outOfOrder("a message inside another") }
            return nil
        case detdiffusion_basic_ack:
            let ack = unsafe method.decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
            return .acknowledged(ack.delivery_tag, multiple: ack.multiple != 0)
        case detdiffusion_basic_nack:
            let nack = unsafe method.decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
            return .refused(nack.delivery_tag, multiple: nack.multiple != 0)
        case detdiffusion_basic_cancel:
            let cancel = unsafe method.decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee
            return .consumerCancelled(unsafe Self.string(cancel.consumer_tag))
        case detdiffusion_connection_blocked:
            let blocked = unsafe method.decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            return .blocked(unsafe Self.string(blocked.reason))
        case detdiffusion_connection_unblocked: return .unblocked
        case detdiffusion_channel_close, detdiffusion_connection_close:
            throw unsafe closing(method, nil)
        default: return nil
        }
    }

    private func purpose(of method: amqp_method_t) -> ContentAssembler.Purpose {
        if unsafe method.id == detdiffusion_basic_deliver {
            let deliver = unsafe method.decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee
            return unsafe .delivery(
                consumerTag: Self.string(deliver.consumer_tag), number: deliver.delivery_tag,
                redelivered: deliver.redelivered != 0)
        }
        let returned = unsafe method.decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
        return unsafe .returned(
            exchange: Self.string(returned.exchange), routingKey: Self.string(returned.routing_key),
            reason: "\(returned.reply_code) \(Self.string(returned.reply_text))")
    }

    private func headerEvent(_ frame: amqp_frame_t) throws(BrokerError) -> ConnectionEvent? {
        let decoded = unsafe frame.payload.properties.decoded
        let properties = unsafe decoded?.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
        let message = unsafe properties.map { unsafe Self.message($0) } ?? Message(body: [], type: "", messageID: "")
        var completed: ContentAssembler.Content?
        let size = Int(clamping: unsafe frame.payload.properties.body_size)
        guard assembler.header(message, bodySize: size, completed: &completed) else {
            throw outOfOrder("a message header")
        }
        return completed.map { .content($0) }
    }

    private func bodyEvent(_ fragment: amqp_bytes_t) throws(BrokerError) -> ConnectionEvent? {
        let bytes = unsafe UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len)
        var completed: ContentAssembler.Content?
        guard unsafe assembler.body(bytes, completed: &completed) else { throw outOfOrder("a message body") }
        return completed.map { .content($0) }
    }

    private func outOfOrder(_ what: String) -> BrokerError {
        BrokerError(.protocolViolation, "the broker at \(url) sent \(what) out of order; the connection is made anew")
    }

    /// The properties of a received message; its body comes later.
    private static func message(_ properties: amqp_basic_properties_t) -> Message {
        func text(_ flag: Int32, _ bytes: amqp_bytes_t) -> String? {
            unsafe properties._flags & UInt32(flag) != 0 ? string(bytes) : nil
        }
        var headers: [String: String] = [:]
        if unsafe properties._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 {
            headers = unsafe texts(of: properties.headers)
        }
        return unsafe Message(
            body: [], type: text(AMQP_BASIC_TYPE_FLAG, properties.type) ?? "",
            messageID: text(AMQP_BASIC_MESSAGE_ID_FLAG, properties.message_id) ?? "",
            correlationID: text(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id), headers: headers,
            contentType: text(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.content_type) ?? "",
            persistent: properties._flags & UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 && properties.delivery_mode == 2)
    }

    /// The text and number entries of a table; nested ones, such as x-death, are left out.
    static func texts(of table: amqp_table_t) -> [String: String] {
        var result: [String: String] = [:]
        for index in 0..<Int(unsafe table.num_entries) {
            let entry = unsafe table.entries[index]
            let value = unsafe entry.value
            let text: String? =
                switch amqp_field_value_kind_t(rawValue: UInt32(unsafe value.kind)) {
                case AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES: unsafe string(value.value.bytes)
                case AMQP_FIELD_KIND_BOOLEAN: unsafe value.value.boolean != 0 ? "true" : "false"
                case AMQP_FIELD_KIND_I8: unsafe String(value.value.i8)
                case AMQP_FIELD_KIND_I16: unsafe String(value.value.i16)
                case AMQP_FIELD_KIND_I32: unsafe String(value.value.i32)
                case AMQP_FIELD_KIND_I64: unsafe String(value.value.i64)
                case AMQP_FIELD_KIND_U64, AMQP_FIELD_KIND_TIMESTAMP: unsafe String(value.value.u64)
                default: nil
                }
            result[unsafe string(entry.key)] = text
        }
        return result
    }
}
