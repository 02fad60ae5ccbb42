// Lines of a check list: grouped by server, aligned, what to do beneath what was found.

/// Lays out the lines of `provision` and `doctor`.
enum AlignedLines {
    typealias Line = (group: String, state: String, subject: String, text: String, fix: String?)

    /// The lines under their groups' names, in the order in which groups first appear.
    static func text(_ lines: [Line]) -> String {
        let subjectWidth = lines.map(\.subject.count).max() ?? 0, stateWidth = lines.map(\.state.count).max() ?? 0
        var groups: [String] = []
        for line in lines where !groups.contains(line.group) { groups.append(line.group) }
        return groups.map { group in
            let own = lines.filter { $0.group == group }.flatMap { line in
                let start = "  \(padded(line.state, stateWidth))  \(padded(line.subject, subjectWidth))  "
                let fix = line.fix.map { [String(repeating: " ", count: start.count) + "fix: " + $0] } ?? []
                return [start + line.text] + fix
            }
            return ([group] + own).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
