// What a terminal may be shown of text that came from outside: its characters, and none of its instructions.

/// Takes out of text what a terminal, or a reader of logs, would obey instead of show.
///
/// Every line that leaves this program goes through here: errors, logs, tables, remarks, records.
public enum PrintableText {
    /// `text` as one line: line ends become a space, everything else that is interpreted a `?`.
    public static func line(_ text: String) -> String {
        guard needsCleaning(text) else { return text }
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return replacing(line) { isInterpreted($0) }
    }

    /// `text` with its line feeds, and a `?` for everything else that is interpreted.
    public static func lines(_ text: String) -> String {
        guard needsCleaning(text) else { return text }
        return replacing(text) { isInterpreted($0) && $0 != "\n" }
    }

    /// Whether `text` is one line with nothing that is interpreted.
    public static func isPlain(_ text: String) -> Bool { !needsCleaning(text) }

    /// A JSON document whose strings say the same with `\u` in place of what is interpreted. JSON itself escapes only what
    /// comes before the space.
    public static func json(_ document: String) -> String {
        guard needsCleaning(document) else { return document }
        var result = String.UnicodeScalarView()
        for scalar in document.unicodeScalars {
            guard scalar.value >= 0x7F, isInterpreted(scalar) else {
                result.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            result.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars)
        }
        return String(result)
    }

    /// C0 with its escape, bell and carriage return, DEL, C1 with its control sequences in one character, the Unicode line
    /// ends, and what changes a line's direction.
    static func isInterpreted(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Most text is ASCII without any of it, which its bytes tell.
    private static func needsCleaning(_ text: String) -> Bool {
        guard !text.utf8.allSatisfy({ 0x20 <= $0 && $0 < 0x7F }) else { return false }
        return text.unicodeScalars.contains(where: isInterpreted)
    }

    private static func replacing(_ text: String, where condition: (Unicode.Scalar) -> Bool) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { condition($0) ? "?" : $0 }))
    }
}
