// Which names a job may have: it names rows, queues' messages and folders.

/// The rule for job names: letters, digits, `.`, `_` and `-`, 1 to 100 of them, beginning with a letter or digit.
public enum JobName {
    /// Whether `name` can name a job.
    public static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, (1...100).contains(name.utf8.count) else { return false }
        return isAlphanumeric(first)
            && name.utf8.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
            }
    }

    /// A name that was refused, short and without control characters, for an error line.
    public static func quoted(_ name: String) -> String {
        let shown = String(
            String.UnicodeScalarView(name.unicodeScalars.prefix(60).map { $0.value < 32 || $0.value == 127 ? "?" : $0 })
        )
        return "'\(shown)'" + (name.unicodeScalars.count > 60 ? "... (\(name.unicodeScalars.count) characters)" : "")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}
