// A handshake of another library's, watched through OpenSSL.

import CCertificates

/// What OpenSSL knew of a handshake that another library made.
public struct WatchedHandshake<Outcome> {
    /// What the library said.
    public let outcome: Outcome
    /// What is wrong with the certificates; `nil` where nothing is, or none was shown.
    public let fault: CertificateFault?
    /// Whether a handshake that failed did so because the peer closed the connection, rather than over what it said.
    public let wasClosed: Bool

    /// Runs `connect`, which makes one handshake on this thread.
    /// - Parameter context: the library's `SSL_CTX`.
    @unsafe public init(context: UnsafeMutableRawPointer?, _ connect: () -> Outcome) {
        var fault = detdiffusion_certificate_fault()
        outcome = unsafe withUnsafeMutablePointer(to: &fault) { pointer in
            unsafe detdiffusion_watch_certificates(context, pointer)
            detdiffusion_forget_tls_errors()
            defer { unsafe detdiffusion_watch_certificates(context, nil) }
            return connect()
        }
        wasClosed = detdiffusion_peer_closed() != 0
        detdiffusion_forget_tls_errors()
        self.fault = CertificateFault(fault)
    }
}
