// Connects a TCP socket within a time, and gives up when asked to stop.

import Foundation

/// Makes the plain TCP connections of this module.
///
/// librabbitmq would connect too, but says only "a socket error occurred", and cannot be interrupted.
enum TCPDial {
    /// How long one address may take.
    static let timeout: Duration = .seconds(10)

    /// A connected, non-blocking socket; the caller closes it.
    static func connect(_ url: BrokerURL, control: ConnectionControl) throws(BrokerError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var addresses: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(url.host, String(url.port), &hints, &addresses)
        guard status == 0 else {
            let reason = unsafe gai_strerror(status).map { unsafe String(cString: $0) } ?? "error \(status)"
            throw unreachable(url, "its host name cannot be resolved (\(reason))")
        }
        defer { unsafe freeaddrinfo(addresses) }
        var failure = "its host name has no address"
        var next = unsafe addresses
        while let address = unsafe next {
            let (descriptor, number) = unsafe open(address.pointee, control)
            if let descriptor { return descriptor }
            failure = unsafe String(cString: strerror(number)).lowercased()
            unsafe next = address.pointee.ai_next
        }
        throw unreachable(url, failure)
    }

    /// A socket connected to one address, or the error number.
    private static func open(_ address: addrinfo, _ control: ConnectionControl) -> (Int32?, Int32) {
        let type = Int32(SOCK_STREAM.rawValue) | flags
        let descriptor = unsafe socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else { return (nil, errno) }
        let result = unsafe Foundation.connect(descriptor, address.ai_addr, address.ai_addrlen)
        var number = result == 0 ? 0 : errno
        if number == EINPROGRESS { number = wait(descriptor, control) }
        guard number != 0 else { return (descriptor, 0) }
        close(descriptor)
        return (nil, number)
    }

    private static let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

    /// Waits for the handshake; 0 or an error number.
    private static func wait(_ descriptor: Int32, _ control: ConnectionControl) -> Int32 {
        let deadline = ContinuousClock.now + timeout
        while true {
            let remaining = deadline - .now
            guard remaining > .zero else { return ETIMEDOUT }
            let readiness = Readiness.wait(
                socket: descriptor, wakeup: control.wakeup, forWriting: true, forReading: false, timeout: remaining)
            if control.isStopping { return ECANCELED }
            guard readiness.canWrite || readiness.hasFailed else { continue }
            var number: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            guard unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) == 0 else { return errno }
            return number
        }
    }

    static func unreachable(_ url: BrokerURL, _ reason: String) -> BrokerError {
        BrokerError(
            .unavailable, "cannot connect to the broker at \(url): \(reason); start RabbitMQ there or correct the URL")
    }
}

/// The options of the sockets of this module.
enum SocketOptions {
    /// How long sent bytes may stay unacknowledged before the kernel ends the connection, in milliseconds.
    ///
    /// librabbitmq waits without a limit when the send buffer is full (its sockets do not block, so SO_SNDTIMEO does
    /// nothing): this ends such a wait when the peer is gone or reads no more.
    private static let userTimeout: Int32 = 30_000

    static func apply(to descriptor: Int32) {
        set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        limitUnacknowledgedTime(of: descriptor, true)
    }

    /// Lifts the limit while the broker blocks publishers, when it reads nothing on purpose, and sets it again.
    static func limitUnacknowledgedTime(of descriptor: Int32, _ isLimited: Bool) {
        set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, isLimited ? userTimeout : 0)
    }

    /// A refused option makes the connection slower to notice a dead peer, never wrong, so its result is not read.
    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
