// What an error may look like on a terminal and in a log, whatever was read.

/// Makes one short line without control characters out of text that may quote hostile input.
public enum ErrorLine {
    /// The most characters of a line.
    public static let limit = 560

    /// `text` as one line: control characters become `?` (line ends a space), and what is too long loses its middle,
    /// since the beginning names the place and the end the fix.
    public static func text(_ text: String) -> String {
        shortened(cleaned(text), to: limit, tail: limit / 3)
    }

    /// `input` between single quotes as ``text(_:)`` shows it, at most `limit` characters of it.
    public static func quoted(_ input: some StringProtocol, limit: Int = 60) -> String {
        "'"
            + shortened(
                cleaned(String(String.UnicodeScalarView(input.unicodeScalars.prefix(limit * 4)))), to: limit, tail: 0)
            + "'"
    }

    private static func cleaned(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        let lines = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return String(String.UnicodeScalarView(lines.unicodeScalars.map { isControl($0) ? "?" : $0 }))
    }

    /// C0, DEL, C1, the Unicode line ends, and what turns a line's direction around.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Counts scalars: a character may be thousands of them.
    private static func shortened(_ text: String, to limit: Int, tail: Int) -> String {
        let scalars = text.unicodeScalars
        guard text.utf8.count > limit, scalars.count > limit else { return text }
        return String(String.UnicodeScalarView(scalars.prefix(limit - tail - 1))) + "…"
            + String(String.UnicodeScalarView(scalars.suffix(tail)))
    }
}
