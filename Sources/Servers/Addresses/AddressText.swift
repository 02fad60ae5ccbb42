// What holds of the text of any address, and of settings that come out of files and environments.

/// Checks and repairs of addresses as text.
public enum AddressText {
    /// What to write for the signs that end a password.
    public static let escapes = "write '/', '@', ':', '?' and '#' in a password as %2F, %40, %3A, %3F, %23"

    /// A setting without the white space and the one pair of quotes around it, which files of variables and their readers
    /// leave there.
    /// - Throws: ``AddressFault`` for a quote at one end only.
    public static func unwrapped(_ text: String) throws(AddressFault) -> String {
        let trimmed = trimmed(text)
        let first = trimmed.utf8.first, last = trimmed.utf8.last
        guard let quote = [first, last].compactMap({ $0 }).first(where: { isQuote($0) }) else { return trimmed }
        guard first == last, trimmed.utf8.count >= 2 else {
            // A key=value string may well end in a quoted value.
            if first.map({ isQuote($0) }) != true, trimmed.utf8.count(where: { $0 == quote }).isMultiple(of: 2) {
                return trimmed
            }
            let place = first == quote ? "begins" : "ends"
            throw AddressFault("it \(place) with a quote that nothing answers; take the quotes off")
        }
        return Self.trimmed(String(decoding: trimmed.utf8.dropFirst().dropLast(), as: UTF8.self))
    }

    /// Throws for what no address holds: control characters, and an `@` behind the place where the password ended.
    ///
    /// A password ends at the first `/` or `?`. What follows would be taken for a path or an option, which error lines
    /// and logs show.
    public static func check(_ text: String) throws(AddressFault) {
        if let place = controlPlace(in: text) {
            throw AddressFault("character \(place) is a line end or another control character; take it out")
        }
        guard let scheme = text.utf8.firstRange(of: "://".utf8) else { return }
        let rest = text.utf8[scheme.upperBound...]
        let isEnd: (UInt8) -> Bool = { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") }
        guard !rest.drop(while: { !isEnd($0) }).contains(UInt8(ascii: "@")) else {
            throw AddressFault("it holds an '@' that ends no password (\(escapes))")
        }
    }

    /// Whether the text is a host's name or address and nothing else.
    public static func isHost(_ text: String) -> Bool {
        let isAddress = text.utf8.contains(UInt8(ascii: ":"))
        return !text.isEmpty
            && text.unicodeScalars.allSatisfy { scalar in
                guard scalar.isASCII else { return scalar.properties.isAlphabetic && !isAddress }
                let byte = UInt8(ascii: scalar)
                return isPlain(byte) || byte == UInt8(ascii: ".")
                    || (isAddress && (byte == UInt8(ascii: ":") || byte == UInt8(ascii: "%")))
            }
    }

    /// Letters, digits, `_` and `-`.
    static func isPlain(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-": true
        default: false
        }
    }

    /// The place of the first control character, from 1.
    public static func controlPlace(in text: String) -> Int? {
        let scalars = text.unicodeScalars
        return scalars.firstIndex { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }
            .map { scalars.distance(from: scalars.startIndex, to: $0) + 1 }
    }

    private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

    private static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let isText: (Unicode.Scalar) -> Bool = { !$0.properties.isWhitespace && $0 != "\u{FEFF}" }
        guard let first = scalars.firstIndex(where: isText), let last = scalars.lastIndex(where: isText) else {
            return ""
        }
        return String(scalars[first...last])
    }
}
