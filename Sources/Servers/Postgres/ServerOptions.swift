// libpq's parameter `options`: what of it can be set after connecting, where poolers allow it.

/// Reads command-line options of a server process (PostgreSQL manual, 20.1.4).
enum ServerOptions {
    /// The settings in `-c name=value`, `-cname=value` and `--name=value`; `nil` where there is anything else.
    static func settings(in options: String) -> [String: String]? {
        var settings: [String: String] = [:]
        var words = words(of: options)[...]
        while let word = words.popFirst() {
            let assignment: Substring
            if word == "-c", let next = words.popFirst() {
                assignment = next[...]
            } else if word.hasPrefix("-c") || word.hasPrefix("--") {
                assignment = word.dropFirst(2)
            } else {
                return nil
            }
            let sides = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = sides[0].map { $0 == "-" ? "_" : $0 }
            guard sides.count == 2, !name.isEmpty,
                name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") })
            else { return nil }
            settings[String(name)] = String(sides[1])
        }
        return settings
    }

    /// Words between white space; a backslash keeps the character after it.
    private static func words(of options: String) -> [String] {
        var words: [String] = []
        var word = "", isInWord = false, isEscaped = false
        for character in options {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" {
                (isInWord, isEscaped) = (true, true)
            } else if character.isWhitespace {
                if isInWord { words.append(word) }
                (word, isInWord) = ("", false)
            } else {
                word.append(character)
                isInWord = true
            }
        }
        return isInWord ? words + [word] : words
    }
}
