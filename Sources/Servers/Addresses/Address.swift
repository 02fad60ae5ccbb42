// The one reader of URLs with passwords in them: pieces, or a fault that repeats none of them.

/// The pieces of `scheme://user:password@host:port/path?key=value`, percent-decoded.
///
/// It goes by bytes, as servers and libraries do: a sign with a combining mark behind it is still that sign.
public struct Address: Hashable, Sendable {
    /// In small letters, without `://`.
    public private(set) var scheme: String
    /// `nil` where nothing stands before an `@`.
    public private(set) var user: String?
    /// `nil` where no `:` follows the user.
    public private(set) var password: String?
    /// The host's name or address, the latter without brackets.
    public private(set) var host = ""
    /// The port, where it was given.
    public private(set) var port: Int?
    /// What follows the host's `/`, without it and as it was written.
    public private(set) var path = ""
    /// What follows the `?`.
    public var query: [String: String] = [:]

    /// Reads an address of one of these schemes.
    public init(_ text: String, schemes: Set<String>) throws(AddressFault) {
        try AddressText.check(text)
        let bytes = Array(text.utf8)
        guard let end = bytes.firstRange(of: Array("://".utf8)) else { throw AddressFault("it has no scheme") }
        scheme = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
        guard schemes.contains(scheme) else {
            throw AddressFault(
                Self.wellKnown.contains(scheme) ? "its scheme is '\(scheme)'" : "its scheme is another one")
        }
        var rest = bytes[end.upperBound...]
        if let mark = rest.firstIndex(of: UInt8(ascii: "?")) {
            try readQuery(rest[(mark + 1)...])
            rest = rest[..<mark]
        }
        if let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
            path = String(decoding: rest[(slash + 1)...], as: UTF8.self)
            rest = rest[..<slash]
        }
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            try readCredentials(rest[..<at])
            rest = rest[(at + 1)...]
        }
        try readHost(rest)
    }

    /// A user's name as a line may show it: one that holds a `:` may hold a password, too.
    public static func shown(user: String) -> String { user.utf8.contains(UInt8(ascii: ":")) ? "…" : user }

    /// Percent-decodes a piece of an address.
    public static func decoded(_ text: some StringProtocol, _ piece: String) throws(AddressFault) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else { bytes.append(byte); continue }
            let digits = rest.prefix(2).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
            guard digits.count == 2, digits != [0, 0] else {
                throw AddressFault("its \(piece) holds a '%' that begins no percent escape such as %2F")
            }
            bytes.append(UInt8(16 * digits[0] + digits[1]))
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), AddressText.controlPlace(in: decoded) == nil
        else { throw AddressFault("its \(piece) holds an escape that is no text") }
        return decoded
    }

    private static let wellKnown: Set<String> = [
        "amqp", "amqps", "http", "https", "postgres", "postgresql", "mysql", "redis", "mqtt", "stomp", "file",
    ]

    private mutating func readCredentials(_ bytes: ArraySlice<UInt8>) throws(AddressFault) {
        let colon = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
        user = try Self.decoded(String(decoding: bytes[..<colon], as: UTF8.self), "user")
        guard colon < bytes.endIndex else { return }
        password = try Self.decoded(String(decoding: bytes[(colon + 1)...], as: UTF8.self), "password")
    }

    private mutating func readHost(_ bytes: ArraySlice<UInt8>) throws(AddressFault) {
        var rest = bytes
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else {
                throw AddressFault("its host begins with '[' and has no ']'")
            }
            host = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self)
            rest = rest[(end + 1)...]
        } else {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            host = try Self.decoded(String(decoding: rest[..<end], as: UTF8.self), "host")
            rest = rest[end...]
        }
        guard !host.isEmpty else { throw AddressFault("it has no host") }
        guard AddressText.isHost(host) else { throw AddressFault("its host is no host name") }
        guard let colon = rest.popFirst() else { return }
        let text = String(decoding: rest, as: UTF8.self)
        guard colon == UInt8(ascii: ":"), let number = Int(text), (1...65535).contains(number) else {
            throw AddressFault("its port is not a number from 1 to 65535")
        }
        port = number
    }

    private mutating func readQuery(_ bytes: ArraySlice<UInt8>) throws(AddressFault) {
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(decoding: sides[0], as: UTF8.self)
            query[name] = sides.count == 2 ? try Self.decoded(String(decoding: sides[1], as: UTF8.self), "query") : ""
        }
    }
}
