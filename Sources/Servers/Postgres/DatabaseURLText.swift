// Reading the text of a database URL: libpq reads it, and what it cannot read is said in our own words, since
// libpq's quote the text, and with it the password.

import Addresses
import CPostgres

/// The text of a libpq URI, or of its `key=value` form.
struct DatabaseURLText {
    private let text: String
    /// libpq knows a URI by these beginnings and takes anything else for `key=value`, which may stand on several lines.
    private let isURI: Bool

    init(_ text: String) {
        isURI = ["postgresql://", "postgres://"].contains { text.utf8.starts(with: $0.utf8) }
        self.text = isURI ? text : String(text.map { $0.isNewline || $0 == "\t" ? " " : $0 })
    }

    /// libpq's keywords and their values, those only that were given.
    func parameters() throws(AddressFault) -> [String: String] {
        guard text.contains(where: { !$0.isWhitespace }) else { throw AddressFault("it is empty") }
        try AddressText.check(text)
        if isURI { try checkAuthority() }
        guard let parameters = Self.parse(text) else {
            throw AddressFault(isURI ? reasonInURI() : reasonInWords())
        }
        try Self.check(parameters)
        try Self.checkValues(parameters)
        return parameters
    }

    /// Refuses what libpq would read in another way than it was meant, and lines would show.
    private func checkAuthority() throws(AddressFault) {
        let rest = Array(text.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2))
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard authority.count(where: { $0 == UInt8(ascii: "@") }) <= 1 else {
            throw AddressFault("it holds an '@' that ends no password (\(AddressText.escapes))")
        }
        let hosts = authority.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false).last ?? []
        for host in hosts.split(separator: UInt8(ascii: ",")) where host.last == UInt8(ascii: ":") {
            throw AddressFault("a ':' after its host is followed by no port")
        }
    }

    private static func parse(_ text: String) -> [String: String]? {
        var message: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(text, &message)
        defer { unsafe PQconninfoFree(options) }
        defer { unsafe PQfreemem(message) }
        guard let options = unsafe options else { return nil }
        var parameters: [String: String] = [:]
        var index = 0
        while let keyword = unsafe options[index].keyword {
            if let value = unsafe options[index].val {
                unsafe parameters[String(cString: keyword)] = unsafe String(cString: value)
            }
            index += 1
        }
        return parameters
    }

    /// Lines show host, port, user and database, so these must be such.
    private static func check(_ parameters: [String: String]) throws(AddressFault) {
        for (keyword, value) in parameters where AddressText.controlPlace(in: value) != nil {
            throw AddressFault("the value of \(keyword) holds a control character")
        }
        let hosts = ["host", "hostaddr"].flatMap { (parameters[$0] ?? "").utf8.split(separator: UInt8(ascii: ",")) }
        for host in hosts.map({ String(decoding: Array($0), as: UTF8.self) }) {
            let isFolder = host.utf8.first == UInt8(ascii: "/") && !host.contains("://") && !host.contains("@")
            guard isFolder || AddressText.isHost(host) else {
                throw AddressFault("its host is no host name (\(AddressText.escapes))")
            }
        }
        let ports = (parameters["port"] ?? "").utf8.split(separator: UInt8(ascii: ","))
        guard ports.allSatisfy({ (1...65535).contains(Int(String(decoding: Array($0), as: UTF8.self)) ?? 0) }) else {
            throw AddressFault("its port is not a number from 1 to 65535 (\(AddressText.escapes))")
        }
        for keyword in ["user", "dbname"] where parameters[keyword]?.contains("://") == true {
            throw AddressFault("its \(keyword) is itself an address")
        }
    }

    /// The values that libpq takes for parameters that have a list of them; it would say so only when connecting.
    private static let choices: KeyValuePairs = [
        "sslmode": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        "target_session_attrs": ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
        "gssencmode": ["disable", "prefer", "require"], "channel_binding": ["disable", "prefer", "require"],
    ]

    private static let numbers = [
        "connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",
    ]

    private static func checkValues(_ parameters: [String: String]) throws(AddressFault) {
        for (keyword, allowed) in choices where !allowed.contains(parameters[keyword] ?? allowed[0]) {
            throw AddressFault("its \(keyword) is none of \(allowed.joined(separator: ", "))")
        }
        for keyword in numbers where Int32(parameters[keyword]?.trimmingPrefix("+") ?? "0") == nil {
            throw AddressFault("its \(keyword) is not a whole number")
        }
    }

    /// What libpq cannot read in a URI.
    private func reasonInURI() -> String {
        let bytes = Array(text.utf8)
        do throws(AddressFault) { _ = try Address.decoded(text, "text") } catch { return error.description }
        let authority = bytes.split(separator: UInt8(ascii: "/"))[1].split(separator: UInt8(ascii: "@")).last ?? []
        if authority.contains(UInt8(ascii: "[")) { return "its host begins with '[' and is no address in brackets" }
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return "its host or port cannot be read" }
        let pairs = bytes[(mark + 1)...].split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        for (index, pair) in pairs.enumerated() where pair.count(where: { $0 == UInt8(ascii: "=") }) != 1 {
            return "its query parameter \(index + 1) is not of the form key=value"
        }
        return "one of its query parameters is not libpq's, or has a value that libpq does not take"
    }

    /// What libpq cannot read in the `key=value` form.
    private func reasonInWords() -> String {
        if text.contains("://") { return "its scheme is not postgresql" }
        if text.utf8.count(where: { $0 == UInt8(ascii: "'") }) % 2 == 1 { return "one of its quotes is not closed" }
        return "one of its words is not key=value with a key of libpq's (quote a value that holds spaces: key='value')"
    }
}
