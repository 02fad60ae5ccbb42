// Passwords in command lines: where they stand, so that neither process lists nor error lines show them.

/// Finds passwords in one argument: in URLs, and in libpq's `key=value` strings.
enum ArgumentSecrets {
    /// Where the passwords stand, in bytes.
    static func ranges(in argument: [UInt8]) -> [Range<Int>] {
        var ranges = settings(in: argument)
        if let password = userInfoPassword(in: argument) { ranges.append(password) }
        return ranges.filter { !$0.isEmpty }
    }

    /// `text` without the passwords that stand in `arguments`.
    static func redacted(_ text: String, arguments: [String]) -> String {
        let secrets = arguments.flatMap { argument in
            let bytes = Array(argument.utf8)
            return ranges(in: bytes).map { String(decoding: bytes[$0], as: UTF8.self) }
        }
        // Long ones first: one may be a part of another.
        return secrets.sorted { $0.count > $1.count }.reduce(text) { $0.replacing($1, with: "xxx") }
    }

    /// What stands between the first `:` after `://` and the last `@`; people forget to escape one in a password. Where they
    /// forgot the `@`, too, everything that follows a `:` and is no port.
    private static func userInfoPassword(in argument: [UInt8]) -> Range<Int>? {
        guard let scheme = argument.firstRange(of: Array("://".utf8)) else { return nil }
        let rest = argument[scheme.upperBound...]
        if let at = rest.lastIndex(of: UInt8(ascii: "@")) {
            return rest[..<at].firstIndex(of: UInt8(ascii: ":")).map { $0 + 1..<at }
        }
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "]") }
        guard authority.first != UInt8(ascii: "["), let colon = authority.firstIndex(of: UInt8(ascii: ":")),
            !authority[(colon + 1)...].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return colon + 1..<argument.endIndex
    }

    /// The values of `password=`, which may have spaces around the sign and quotes around the value.
    private static func settings(in argument: [UInt8]) -> [Range<Int>] {
        argument.ranges(of: Array("password".utf8)).compactMap { key in
            var index = skipSpaces(argument, from: key.upperBound)
            guard index < argument.count, argument[index] == UInt8(ascii: "=") else { return nil }
            index = skipSpaces(argument, from: index + 1)
            return index..<end(of: argument, from: index)
        }
    }

    private static func skipSpaces(_ argument: [UInt8], from start: Int) -> Int {
        argument[start...].firstIndex { $0 != UInt8(ascii: " ") } ?? argument.count
    }

    private static func end(of argument: [UInt8], from start: Int) -> Int {
        let quote = UInt8(ascii: "'")
        let isQuoted = start < argument.count && argument[start] == quote
        let terminators = isQuoted ? [quote] : [UInt8(ascii: " "), UInt8(ascii: "&")]
        var index = isQuoted ? start + 1 : start
        while index < argument.count, !terminators.contains(argument[index]) {
            index += argument[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index, argument.count)
    }
}
