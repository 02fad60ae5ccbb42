// One connection with one channel over librabbitmq: opening, closing and the translation of its failures.

import CRabbitMQ
import Certificates
import Foundation

/// An open connection; lives on one thread from its making to its end.
///
/// Any error thrown by its methods means that the connection is of no more use, unless they say otherwise.
/// `@safe`: `state` is valid from init to deinit, and the class is not Sendable, so no two threads use it.
@safe final class AMQPConnection {
    let url: BrokerURL
    let control: ConnectionControl
    let state: amqp_connection_state_t
    let scratch = unsafe ScratchMemory()
    var assembler = ContentAssembler()
    /// Poll this; the control owns it.
    private(set) var socket: Int32 = -1
    /// The only channel.
    let channel: amqp_channel_t = 1

    private static let rpcTimeout: Duration = .seconds(15)
    private static let closeTimeout: Duration = .milliseconds(800)

    /// Connects, logs in and opens the channel.
    /// - Parameter name: shown in the broker's list of connections.
    init(_ url: BrokerURL, name: String, control: ConnectionControl) throws(BrokerError) {
        guard let state = unsafe amqp_new_connection() else {
            throw BrokerError(.unavailable, "cannot connect to the broker at \(url): out of memory")
        }
        self.url = url
        self.control = control
        unsafe self.state = state
        if url.isTLS { try openTLS() } else { try openTCP() }
        socket = control.adoptSocket(unsafe amqp_get_sockfd(state))
        guard socket >= 0, !control.isStopping else {
            throw BrokerError(
                .unavailable, "cannot connect to the broker at \(url): it was stopped, or no descriptor is left")
        }
        SocketOptions.apply(to: socket)
        try logIn(name: name)
        setRPCTimeout(Self.rpcTimeout)
        try openChannel()
    }

    deinit {
        control.forgetSocket()
        _ = unsafe amqp_destroy_connection(state)
    }

    /// How long a poll may last, so that heartbeats go out in time.
    var longestWait: Duration { .milliseconds(max(250, 250 * Int(unsafe amqp_get_heartbeat(state)))) }

    /// True when frames wait inside the library, where no poll sees them.
    var hasBufferedFrames: Bool {
        unsafe amqp_data_in_buffer(state) != 0 || amqp_frames_enqueued(state) != 0
    }

    /// Says goodbye; the broker then requeues at once what is unacknowledged. A failure changes nothing:
    /// the socket closes.
    func close() {
        setRPCTimeout(Self.closeTimeout)
        _ = unsafe amqp_connection_close(state, AMQP_REPLY_SUCCESS)
    }

    /// Opens the channel, the first time or after the broker closed it.
    func openChannel() throws(BrokerError) {
        unsafe _ = amqp_channel_open(state, channel)
        try checkLastReply("open a channel")
    }

    // MARK: Opening

    private func openTCP() throws(BrokerError) {
        let descriptor = try TCPDial.connect(url, control: control)
        guard let socket = unsafe amqp_tcp_socket_new(state) else {
            Foundation.close(descriptor)
            throw TCPDial.unreachable(url, "out of memory")
        }
        unsafe amqp_tcp_socket_set_sockfd(socket, descriptor)
    }

    private func openTLS() throws(BrokerError) {
        guard let socket = unsafe amqp_ssl_socket_new(state) else { throw tlsFailure("OpenSSL cannot be set up") }
        if url.verifiesPeer {
            guard unsafe amqp_ssl_socket_set_cacert(socket, url.caFile) == AMQP_STATUS_OK.rawValue else {
                throw tlsFailure("the trusted certificates in \(url.caFile) cannot be read; correct cacertfile")
            }
        }
        if let certificate = url.certificateFile, let key = url.keyFile {
            guard unsafe amqp_ssl_socket_set_key(socket, certificate, key) == AMQP_STATUS_OK.rawValue else {
                throw tlsFailure(
                    "the client certificate \(certificate) and key \(key) cannot be used; correct certfile and keyfile")
            }
        }
        unsafe amqp_ssl_socket_set_verify_peer(socket, url.verifiesPeer ? 1 : 0)
        unsafe amqp_ssl_socket_set_verify_hostname(socket, url.verifiesPeer ? 1 : 0)
        _ = unsafe amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        // The library's own connect cannot be interrupted: keep it short.
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        let handshake = unsafe WatchedHandshake(context: amqp_ssl_socket_get_context(socket)) {
            unsafe amqp_socket_open_noblock(socket, url.host, Int32(url.port), &timeout)
        }
        try checkTLS(amqp_status_enum(rawValue: handshake.outcome), handshake.fault, wasClosed: handshake.wasClosed)
    }

    private func checkTLS(
        _ status: amqp_status_enum, _ fault: CertificateFault?, wasClosed: Bool
    ) throws(BrokerError) {
        let setting = "cacertfile"
        switch status {
        case AMQP_STATUS_OK: return
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED:
            throw tlsFailure(
                fault?.objection(authorities: url.caFile, setting: setting)
                    ?? CertificateFault.unsigned(authorities: url.caFile, setting: setting))
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED:
            throw tlsFailure(
                "its certificate is not for the host name \(url.host); use a name that the certificate holds")
        case AMQP_STATUS_SSL_CONNECTION_FAILED where wasClosed:
            // As without TLS: a proxy in front of a broker that starts closes like this.
            throw TCPDial.unreachable(url, "it closed the connection before it said anything of TLS")
        case AMQP_STATUS_SSL_ERROR, AMQP_STATUS_SSL_CONNECTION_FAILED:
            throw tlsFailure("the TLS handshake failed; check that the port is the TLS port and the certificates fit")
        default:
            throw TCPDial.unreachable(url, Self.text(of: status.rawValue))
        }
    }

    private func tlsFailure(_ reason: String) -> BrokerError {
        BrokerError(.tls, "no trusted TLS connection to the broker at \(url): \(reason)")
    }

    private func logIn(name: String) throws(BrokerError) {
        unsafe scratch.reset()
        var timeout = timeval(tv_sec: 10, tv_usec: 0)
        _ = unsafe amqp_set_handshake_timeout(state, &timeout)
        var capabilities = unsafe amqp_field_value_t()
        unsafe capabilities.kind = UInt8(AMQP_FIELD_KIND_TABLE.rawValue)
        unsafe capabilities.value.table = scratch.switches([
            "basic.nack", "connection.blocked", "consumer_cancel_notify", "publisher_confirms",
        ])
        let entry = unsafe amqp_table_entry_t(key: scratch.bytes("capabilities"), value: capabilities)
        var properties = unsafe scratch.table(["connection_name": name], adding: [entry])
        let reply = unsafe detdiffusion_login_plain(
            state, url.virtualHost, AMQP_DEFAULT_FRAME_SIZE, Int32(url.heartbeat), &properties, url.user, url.password)
        do {
            try unsafe check(reply, "log in")
        } catch {
            throw Self.loginFailure(error, url)
        }
    }

    /// The broker answers a wrong password with 403, and with 530 a virtual host that is not there or not allowed, one that
    /// is down, and a limit of connections.
    private static func loginFailure(_ error: BrokerError, _ url: BrokerURL) -> BrokerError {
        switch error.code {
        case .closed(let code, let text) where BrokerRefusal(code: code, text: text).isTemporary:
            BrokerError(
                .unavailable,
                "the broker at \(url) takes no connection of user '\(url.shownUser)' now (\(text)); "
                    + (BrokerRefusal(code: code, text: text).isLimit
                        ? "raise the limit, or stop what is not needed" : "start what is down"))
        case .closed(403, _):
            BrokerError(
                .authentication,
                "the broker at \(url) refused the user '\(url.shownUser)' or its password; correct them in the broker's URL"
            )
        case .closed(530, let text):
            BrokerError(
                .authentication,
                "the broker at \(url) refused the virtual host '\(url.virtualHost)' (\(text)); create "
                    + "it, or grant it to the user '\(url.shownUser)'"
            )
        default: error
        }
    }

    private func setRPCTimeout(_ timeout: Duration) {
        let (seconds, attoseconds) = timeout.components
        var value = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        _ = unsafe amqp_set_rpc_timeout(state, &value)
    }

    // MARK: Failures

    /// Throws what the last call that returned no reply of its own failed with.
    func checkLastReply(_ action: String) throws(BrokerError) {
        try unsafe check(unsafe amqp_get_rpc_reply(state), action)
    }

    /// Throws for a status other than OK.
    func check(status: Int32, _ action: String) throws(BrokerError) {
        guard status != AMQP_STATUS_OK.rawValue else { return }
        throw BrokerError(
            .unavailable, "lost the broker at \(url) while trying to \(action): \(Self.text(of: status))")
    }

    func check(_ reply: amqp_rpc_reply_t, _ action: String) throws(BrokerError) {
        switch unsafe reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: try check(status: unsafe reply.library_error, action)
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw unsafe closing(unsafe reply.reply, action)
        default: throw BrokerError(.unavailable, "the broker at \(url) closed the connection while trying to \(action)")
        }
    }

    /// Answers a `channel.close` or `connection.close`, and makes it an error.
    /// - Parameter action: what the broker refused; nil when nothing was asked.
    func closing(_ method: amqp_method_t, _ action: String?) -> BrokerError {
        let code: Int
        let text: String
        var what = "closed the connection"
        switch unsafe method.id {
        case detdiffusion_channel_close:
            let close = unsafe method.decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            (code, text) = unsafe (Int(close.reply_code), Self.string(close.reply_text))
            what = "closed the channel"
            var answer = amqp_channel_close_ok_t(dummy: 0)
            _ = unsafe amqp_send_method(state, channel, detdiffusion_channel_close_ok, &answer)
        case detdiffusion_connection_close:
            let close = unsafe method.decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            (code, text) = unsafe (Int(close.reply_code), Self.string(close.reply_text))
            var answer = amqp_connection_close_ok_t(dummy: 0)
            _ = unsafe amqp_send_method(state, 0, detdiffusion_connection_close_ok, &answer)
        default:
            return BrokerError(
                .protocolViolation,
                "the broker at \(url) sent method \(unsafe method.id), which has no place there")
        }
        if let action { what = "refused to \(action)" }
        let refusal = BrokerRefusal(code: code, text: text)
        var fix = ""
        if let (right, resource) = refusal.missingRight(for: action) {
            fix = "; grant the user '\(url.shownUser)' the right to \(right) \(resource) (rabbitmqctl set_permissions)"
        } else if refusal.isLimit {
            fix = "; raise the limit, or stop what is not needed"
        }
        return BrokerError(.closed(code: code, text: text), "the broker at \(url) \(what): \(code) \(text)\(fix)")
    }

    static func text(of status: Int32) -> String {
        unsafe amqp_error_string2(status).map { unsafe String(cString: $0) } ?? "error \(status)"
    }

    static func string(_ bytes: amqp_bytes_t) -> String {
        unsafe String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}
