// The options that even out a set, shared by `plan` and `enqueue`.

import ArgumentParser
import Console
import Layouts
import Tasks

/// Which images a job generates so that the real set, merged with them, comes near to a target.
struct RebalanceOptions: ParsableArguments {
    @Option(
        name: .customLong("rebalance"),
        help: ArgumentHelp(
            "Generate the layouts, and each as often, as evens out the real set together with them: by frequency (of "
                + "categories), size, size-per-category or position. --limit is then the most images; default: as many as "
                + "there are layouts.",
            valueName: "dimension"))
    var by: Rebalance.Dimension?

    @Option(
        help: ArgumentHelp(
            "What to come near to: uniform, square-root, repeat-factor[:threshold], or a JSON file of shares "
                + "(docs/strategies.md). Default: square-root for frequency, else uniform.",
            valueName: "target"))
    var target: String?

    @Option(help: ArgumentHelp("Images of one layout at most. (default: 10)", valueName: "n"))
    var maxRepeats: Int?

    @Option(help: ArgumentHelp("Cells of --rebalance position, columns x rows. (default: 3x3)", valueName: "grid"))
    var grid: Bins?

    /// What these options ask for; nil where they ask for nothing.
    func request() throws -> Rebalance? {
        guard let by else {
            for (flag, isGiven) in [
                ("--target", target != nil), ("--max-repeats", maxRepeats != nil), ("--grid", grid != nil),
            ]
            where isGiven {
                throw CommandError(.usage, "\(flag): expected --rebalance beside it, found none")
            }
            return nil
        }
        guard grid == nil || by == .position else {
            throw CommandError(.usage, "--grid: it is for --rebalance position, found \(by.rawValue); drop the option")
        }
        var rebalance = Rebalance(by: by, grid: grid, target: try target.map(Self.target))
        rebalance.maximumRepeats = maxRepeats ?? rebalance.maximumRepeats
        return rebalance
    }

    private static func target(_ text: String) throws -> RebalanceTarget {
        switch text {
        case "uniform": return .uniform
        case "square-root": return .squareRoot
        case "repeat-factor": return .repeatFactor(threshold: RebalanceTarget.usualThreshold)
        case let text where text.hasPrefix("repeat-factor:"):
            let number = text.dropFirst("repeat-factor:".count)
            guard let threshold = Double(number) else {
                throw CommandError(
                    .usage,
                    "--target repeat-factor: expected a threshold above 0 and up to 1, found \(JobName.quoted(String(number)))"
                )
            }
            return .repeatFactor(threshold: threshold)
        default: return try RebalanceTarget(file: text)
        }
    }
}
