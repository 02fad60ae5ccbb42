// The address of RabbitMQ's management interface; its password is never shown.

import Foundation

/// `http://user:password@host:15672` or `https://`; a path before `/api` is kept.
public struct ManagementURL: Sendable, Hashable, CustomStringConvertible {
    /// Scheme, host, port and path, without user and password.
    let base: String
    /// Whether the connection is encrypted.
    let isEncrypted: Bool
    let host: String
    let user: String
    let password: String

    /// The address without its password.
    public var description: String {
        base.replacingOccurrences(of: "://", with: "://\(user)@")
    }

    /// Reads an address.
    /// - Throws: ``ProvisioningError`` that never repeats the password.
    public init(_ text: String) throws(ProvisioningError) {
        guard var parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme), let host = parts.host,
            !host.isEmpty
        else {
            throw ProvisioningError(
                .invalid,
                "cannot read the management URL: expected http://user:password@host:15672 or https://... "
                    + "(write '/', '@' and ':' in a password as %2F, %40, %3A)"
            )
        }
        user = parts.user ?? "guest"
        password = parts.password ?? "guest"
        isEncrypted = parts.scheme == "https"
        self.host = host
        (parts.user, parts.password, parts.query, parts.fragment) = (nil, nil, nil, nil)
        if parts.port == nil { parts.port = isEncrypted ? 15671 : 15672 }
        while parts.path.hasSuffix("/") { parts.path.removeLast() }
        base = parts.string ?? ""
    }
}
