// What is wrong with a certificate, as a person has to mend it.

import CCertificates

/// The first fault of the certificates that a server showed.
public struct CertificateFault: Sendable, Hashable {
    private let error: Int32
    /// 0 for the server's own certificate, more for an authority's above it.
    private let depth: Int32
    private let notBefore: String
    private let notAfter: String

    /// `nil` where nothing is wrong, or nothing was shown.
    init?(_ fault: detdiffusion_certificate_fault) {
        guard fault.error != 0 else { return nil }
        (error, depth) = (fault.error, fault.depth)
        notBefore = Self.text(fault.not_before)
        notAfter = Self.text(fault.not_after)
    }

    /// What is wrong, and the fix.
    /// - Parameters:
    ///   - authorities: the file of the certificates that are trusted.
    ///   - setting: what that file is called in the server's URL.
    public func objection(authorities: String, setting: String) -> String {
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
        default: return Self.unsigned(authorities: authorities, setting: setting)
        }
    }

    /// The objection to a certificate that nobody vouches for.
    public static func unsigned(authorities: String, setting: String) -> String {
        "its certificate is not signed by an authority in \(authorities); set \(setting)"
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

extension CertificateFault {
    /// Asks a PostgreSQL server for its certificates, before any name or password is sent; libpq tells only that
    /// something is wrong with them.
    /// - Parameters:
    ///   - host: the name or address to connect to.
    ///   - name: what the certificate must be for.
    ///   - authorities: the file of the certificates that are trusted.
    public static func ofPostgres(host: String, port: String, name: String, authorities: String) -> CertificateFault? {
        var fault = detdiffusion_certificate_fault()
        unsafe detdiffusion_ask_postgres(host, port, name, authorities, 5, &fault)
        return CertificateFault(fault)
    }
}
