// What was wrong with a certificate, as a person has to mend it.

import CRabbitMQ

/// What OpenSSL found when a TLS connection was not made.
struct TLSReport {
    /// Whether the peer closed the connection without a word of TLS, as a port does whose server is not up yet.
    let wasClosed: Bool
    private let error: Int32
    /// 0 for the broker's own certificate, more for an authority's above it.
    private let depth: Int32
    private let notBefore: String
    private let notAfter: String

    init(_ report: detdiffusion_tls_report) {
        (wasClosed, error, depth) = (report.was_closed != 0, report.verify_error, report.verify_depth)
        notBefore = Self.text(report.not_before)
        notAfter = Self.text(report.not_after)
    }

    /// What is wrong with the certificate, and the fix.
    /// - Parameter authorities: the file of the certificates that are trusted.
    func objection(authorities: String) -> String {
        let whose = depth == 0 ? "its certificate" : "the certificate of an authority above its own"
        switch error {
        case detdiffusion_certificate_expired:
            return "\(whose) expired on \(notAfter); renew it, or correct this host's clock"
        case detdiffusion_certificate_not_yet_valid:
            return "\(whose) is not valid before \(notBefore); correct this host's clock, or wait"
        case detdiffusion_certificate_wrong_purpose:
            return depth == 0
                ? "its certificate is not for a server (its extended key usage lacks serverAuth); issue it as a server's"
                : "\(whose) may not sign certificates; issue it as an authority's"
        default: return "its certificate is not signed by an authority in \(authorities); set cacertfile"
        }
    }

    private typealias Day = (
        CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar
    )

    private static func text(_ day: Day) -> String {
        unsafe withUnsafeBytes(of: day) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
