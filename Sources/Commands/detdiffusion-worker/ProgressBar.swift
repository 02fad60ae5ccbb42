// Progress of one image, on standard error where a person looks.

import Console
import Foundation

/// A bar that grows with the steps; without a terminal, one line at the end.
final class ProgressBar {
    private let total: Int
    private let begin = ContinuousClock.now
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private static let width = 30

    init(total: Int) { self.total = total }

    /// Shows that `step` steps are done.
    func show(_ step: Int) {
        guard isTerminal, total > 0 else { return }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let filled = Self.width * step / total
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Self.width - filled)
        let left = Format.duration(seconds / Double(step) * Double(total - step))
        let line =
            "[\(bar)] \(step)/\(total) steps, \(Self.rounded(seconds / Double(step))) s each, \(left) left "
        remark(line, after: .freshLine, terminator: "")
    }

    /// Says how long it took.
    func finish() {
        let seconds = Self.rounded((ContinuousClock.now - begin) / .seconds(1))
        remark("\(total) steps and decoding in \(seconds) s", after: isTerminal ? .freshLine : nil)
    }

    private static func rounded(_ seconds: Double) -> Double {
        seconds < 10 ? (seconds * 100).rounded() / 100 : (seconds * 10).rounded() / 10
    }
}
