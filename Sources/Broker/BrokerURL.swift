// The address of a broker: amqp:// and amqps:// URLs with RabbitMQ's query parameters.

import Foundation

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

    /// The URL without its password and query.
    public var description: String {
        let shownHost = host.contains(":") ? "[\(host)]" : host
        let path = virtualHost == "/" ? "/" : "/\(virtualHost)"
        return "\(isTLS ? "amqps" : "amqp")://\(user)@\(shownHost):\(port)\(path)"
    }

    /// Reads a URL.
    /// - Throws: ``BrokerError/Code/invalidURL``, saying what was expected; the text never repeats the password.
    public init(_ url: String) throws(BrokerError) {
        var parts = try URLParts(url)
        isTLS = parts.scheme == "amqps"
        host = parts.host
        port = parts.port ?? (isTLS ? 5671 : 5672)
        user = parts.user ?? "guest"
        password = parts.password ?? "guest"
        virtualHost = parts.path.isEmpty ? "/" : parts.path
        caFile = parts.take("cacertfile") ?? Self.systemCertificates
        certificateFile = parts.take("certfile")
        keyFile = parts.take("keyfile")
        verifiesPeer = try Self.verification(parts.take("verify"))
        heartbeat = try Self.heartbeat(parts.take("heartbeat"))
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw Self.invalid("certfile and keyfile go together, one of them is missing")
        }
        if let unknown = parts.query.keys.min() {
            throw Self.invalid(
                "unknown query parameter '\(unknown)'; known are cacertfile, certfile, keyfile, verify, heartbeat")
        }
    }

    private static func verification(_ value: String?) throws(BrokerError) -> Bool {
        switch value {
        case nil, "verify_peer": true
        case "verify_none": false
        case let other?: throw invalid("verify is verify_peer or verify_none, found '\(other)'")
        }
    }

    private static func heartbeat(_ value: String?) throws(BrokerError) -> Int {
        guard let value else { return defaultHeartbeat }
        guard let seconds = Int(value), (1...3600).contains(seconds) else {
            throw invalid("heartbeat is a number of seconds from 1 to 3600, found '\(value)'")
        }
        return seconds
    }

    static func invalid(_ reason: String) -> BrokerError {
        BrokerError(
            .invalidURL,
            "cannot read the broker's URL: \(reason); expected amqp://user:password@host:5672/vhost or amqps://...")
    }
}

/// The pieces of a URL, percent-decoded.
private struct URLParts {
    var scheme: String
    var user: String?
    var password: String?
    var host = "localhost"
    var port: Int?
    var path = ""
    var query: [String: String] = [:]

    init(_ url: String) throws(BrokerError) {
        guard let colon = url.range(of: "://") else { throw BrokerURL.invalid("it has no scheme") }
        scheme = url[..<colon.lowerBound].lowercased()
        guard scheme == "amqp" || scheme == "amqps" else {
            // The piece before "://" is repeated only when it can be nothing but a scheme.
            let shown = scheme.allSatisfy { $0.isLetter || $0.isNumber } ? "'\(scheme)'" : "something else"
            throw BrokerURL.invalid("its scheme is \(shown)")
        }
        var rest = url[colon.upperBound...]
        // A password ends at a '/' or '?'; error lines would show what follows as virtual host or query.
        guard !rest.drop(while: { $0 != "/" && $0 != "?" }).contains("@") else {
            throw BrokerURL.invalid(
                "it holds an '@' that ends no password (write '/', '@' and '?' in a password as %2F, %40, %3F)")
        }
        if let mark = rest.firstIndex(of: "?") {
            try readQuery(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: "/") {
            path = try Self.decode(rest[rest.index(after: slash)...], "virtual host")
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: "@") {
            let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = try Self.decode(credentials[0], "user")
            password = credentials.count == 2 ? try Self.decode(credentials[1], "password") : ""
            rest = rest[rest.index(after: at)...]
        }
        try readAuthority(rest)
    }

    private mutating func readAuthority(_ text: Substring) throws(BrokerError) {
        var rest = text
        if rest.hasPrefix("["), let end = rest.firstIndex(of: "]") {
            host = String(rest[rest.index(after: rest.startIndex)..<end])
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            host = try Self.decode(rest[..<end], "host")
            rest = rest[end...]
        }
        guard !host.isEmpty else { throw BrokerURL.invalid("it has no host") }
        guard !rest.isEmpty else { return }
        guard rest.first == ":", let number = Int(rest.dropFirst()), (1...65535).contains(number) else {
            throw BrokerURL.invalid("the port of host '\(host)' is not a number from 1 to 65535")
        }
        port = number
    }

    private mutating func readQuery(_ text: Substring) throws(BrokerError) {
        for pair in text.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            query[String(sides[0])] = sides.count == 2 ? try Self.decode(sides[1], "query") : ""
        }
    }

    mutating func take(_ name: String) -> String? { query.removeValue(forKey: name) }

    private static func decode(_ text: Substring, _ piece: String) throws(BrokerError) -> String {
        guard let decoded = text.removingPercentEncoding, !decoded.contains("\0") else {
            throw BrokerURL.invalid("its \(piece) holds a wrong percent escape")
        }
        return decoded
    }
}
