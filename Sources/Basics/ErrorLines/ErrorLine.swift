// What an error may look like on a terminal and in a log, whatever was read.

/// Makes one short line without control characters out of text that may quote hostile input.
public enum ErrorLine {
    /// The most characters of a line.
    public static let limit = 560

    /// `text` as one line: control characters become `?` (line ends a space), and what is too long loses its middle,
    /// since the beginning names the place and the end the fix.
    public static func text(_ text: String) -> String {
        shortened(PrintableText.line(text), to: limit, tail: limit / 3)
    }

    /// `input` between single quotes as ``text(_:)`` shows it, at most `limit` characters of it.
    public static func quoted(_ input: some StringProtocol, limit: Int = 60) -> String {
        "'\(beginning(of: input, limit: limit))'"
    }

    /// At most `limit` characters of `input`, as ``text(_:)`` shows them.
    public static func beginning(of input: some StringProtocol, limit: Int = 200) -> String {
        let text = String(String.UnicodeScalarView(input.unicodeScalars.prefix(limit * 4)))
        return shortened(PrintableText.line(text), to: limit, tail: 0)
    }

    /// The end of `input`, which tells paths apart, in the same way.
    public static func end(of input: String, limit: Int) -> String {
        let scalars = input.unicodeScalars
        let end = PrintableText.line(String(String.UnicodeScalarView(scalars.suffix(limit))))
        return (scalars.count > limit ? "…" : "") + end
    }

    /// Counts scalars: a character may be thousands of them.
    private static func shortened(_ text: String, to limit: Int, tail: Int) -> String {
        let scalars = text.unicodeScalars
        guard text.utf8.count > limit, scalars.count > limit else { return text }
        return String(String.UnicodeScalarView(scalars.prefix(limit - tail - 1))) + "…"
            + String(String.UnicodeScalarView(scalars.suffix(tail)))
    }
}
