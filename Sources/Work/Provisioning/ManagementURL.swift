// The address of RabbitMQ's management interface; its password is never shown.

import Addresses

/// `http://user:password@host:15672` or `https://`; a path before `/api` is kept.
public struct ManagementURL: Sendable, Hashable, CustomStringConvertible {
    /// Host, port and path.
    private let place: String
    /// Whether the connection is encrypted.
    let isEncrypted: Bool
    let host: String
    let user: String
    let password: String

    /// The user as lines show it.
    var shownUser: String { Address.shown(user: user) }

    /// The address without its password.
    public var description: String {
        "\(isEncrypted ? "https" : "http")://\(shownUser)@\(place)"
    }

    /// Reads an address.
    /// - Throws: ``ProvisioningError`` that never repeats the password.
    public init(_ text: String) throws(ProvisioningError) {
        do throws(AddressFault) {
            try self.init(Address(text, schemes: ["http", "https"]))
        } catch {
            throw ProvisioningError(
                .invalid,
                "cannot read the management URL: \(error); expected http://user:password@host:15672 or https://...")
        }
    }

    private init(_ address: Address) throws(AddressFault) {
        user = address.user ?? "guest"
        guard address.user == nil || address.password?.isEmpty == false else {
            throw AddressFault("it has a user and no password")
        }
        password = address.password ?? "guest"
        isEncrypted = address.scheme == "https"
        host = address.host
        let path = address.path.utf8.last == UInt8(ascii: "/") ? String(address.path.dropLast()) : address.path
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw AddressFault("its path holds a sign that is not escaped")
        }
        let shownHost = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        place = "\(shownHost):\(address.port ?? (isEncrypted ? 15671 : 15672))" + (path.isEmpty ? "" : "/\(path)")
    }

    /// Scheme, host, port and path, without user and password.
    var base: String { "\(isEncrypted ? "https" : "http")://\(place)" }
}
