// The address of a broker: amqp:// and amqps:// URLs with RabbitMQ's query parameters.

import Addresses

/// Where the broker is, who asks, and how TLS is checked.
///
/// `amqp://user:password@host:5672/vhost?heartbeat=20`, and `amqps://` with the query parameters `cacertfile`,
/// `certfile`, `keyfile` and `verify` (`verify_peer`, the default, checks the certificate and the host name;
/// `verify_none` checks nothing).
public struct BrokerURL: Hashable, Sendable, CustomStringConvertible {
    /// The certificates trusted without `cacertfile`.
    public static let systemCertificates = "/etc/ssl/certs/ca-certificates.crt"
    /// The heartbeat without `heartbeat`, in seconds: a dead peer is noticed after two of them.
    public static let defaultHeartbeat = 20

    /// The host's name or address.
    public var host: String
    /// The port; 5672 or, with TLS, 5671 by default.
    public var port: Int
    /// The user.
    public var user: String
    /// The virtual host; `/` by default.
    public var virtualHost: String
    /// True for `amqps://`.
    public var isTLS: Bool
    /// The file of trusted certificates (PEM).
    public var caFile: String
    /// The client's certificate (PEM), where the broker wants one.
    public var certificateFile: String?
    /// The client's key (PEM).
    public var keyFile: String?
    /// Whether the broker's certificate and host name are checked.
    public var verifiesPeer: Bool
    /// Seconds between heartbeats, at least 1; the broker may ask for less.
    public var heartbeat: Int
    /// Read only by the login.
    var password: String

    /// The user as lines show it.
    var shownUser: String { Address.shown(user: user) }

    /// The URL without its password and query.
    public var description: String {
        let shownHost = host.contains(":") ? "[\(host)]" : host
        let path = virtualHost == "/" ? "/" : "/\(virtualHost)"
        return "\(isTLS ? "amqps" : "amqp")://\(shownUser)@\(shownHost):\(port)\(path)"
    }

    /// Reads a URL.
    /// - Throws: ``BrokerError/Code/invalidURL``, saying what was expected; the text never repeats the password.
    public init(_ url: String) throws(BrokerError) {
        do throws(AddressFault) {
            try self.init(Address(url, schemes: ["amqp", "amqps"]))
        } catch {
            throw BrokerError(
                .invalidURL,
                "cannot read the broker's URL: \(error); expected amqp://user:password@host:5672/vhost or amqps://...")
        }
    }

    private init(_ address: Address) throws(AddressFault) {
        var query = address.query
        isTLS = address.scheme == "amqps"
        host = address.host
        port = address.port ?? (isTLS ? 5671 : 5672)
        guard address.user == nil || address.password?.isEmpty == false else {
            throw AddressFault("it has a user and no password")
        }
        user = address.user ?? "guest"
        password = address.password ?? "guest"
        guard !address.path.utf8.contains(UInt8(ascii: "/")) else {
            throw AddressFault("its virtual host holds a '/'; write it as %2F")
        }
        virtualHost = address.path.isEmpty ? "/" : try Address.decoded(address.path, "virtual host")
        caFile = query.removeValue(forKey: "cacertfile") ?? Self.systemCertificates
        certificateFile = query.removeValue(forKey: "certfile")
        keyFile = query.removeValue(forKey: "keyfile")
        verifiesPeer = try Self.verification(query.removeValue(forKey: "verify"))
        heartbeat = try Self.heartbeat(query.removeValue(forKey: "heartbeat"))
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw AddressFault("certfile and keyfile go together, one of them is missing")
        }
        if !query.isEmpty {
            throw AddressFault(
                "it has a query parameter that is unknown; known are cacertfile, certfile, keyfile, verify, heartbeat")
        }
    }

    private static func verification(_ value: String?) throws(AddressFault) -> Bool {
        switch value {
        case nil, "verify_peer": true
        case "verify_none": false
        case _?: throw AddressFault("verify is verify_peer or verify_none, found another word")
        }
    }

    private static func heartbeat(_ value: String?) throws(AddressFault) -> Int {
        guard let value else { return defaultHeartbeat }
        guard let seconds = Int(value), (1...3600).contains(seconds) else {
            throw AddressFault("heartbeat is a number of seconds from 1 to 3600, found something else")
        }
        return seconds
    }
}
