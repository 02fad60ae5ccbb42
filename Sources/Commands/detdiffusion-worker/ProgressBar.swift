// Progress of what takes a while, on standard error where a person looks.

import Console
import Foundation

/// A bar that grows with the steps; without a terminal, one line at the end.
final class ProgressBar {
    private let total: Int
    private let unit: String
    private let begin = ContinuousClock.now
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private static let width = 30

    /// - Parameter unit: what is counted, in the plural.
    init(total: Int, of unit: String = "steps") {
        self.total = total
        self.unit = unit
    }

    /// Shows that `step` of them are done.
    func show(_ step: Int) {
        guard isTerminal, total > 0 else { return }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let filled = Self.width * step / total
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
        let left = Format.duration(seconds / Double(step) * Double(total - step))
        let line =
            "[\(bar)] \(step)/\(total) \(unit), \(Self.rounded(seconds / Double(step))) s each, \(left) left "
        Console.remark(line, after: .freshLine, terminator: "")
    }

    /// Says something else in a line above the bar.
    func remark(_ line: String) { Console.remark(line, after: isTerminal ? .freshLine : nil) }

    /// Says how long it took.
    /// - Parameter more: what else was done in that time.
    func finish(_ more: String = "") {
        let seconds = Self.rounded((ContinuousClock.now - begin) / .seconds(1))
        Console.remark("\(total) \(unit)\(more) in \(seconds) s", after: isTerminal ? .freshLine : nil)
    }

    private static func rounded(_ seconds: Double) -> Double {
        seconds < 10 ? (seconds * 100).rounded() / 100 : (seconds * 10).rounded() / 10
    }
}
