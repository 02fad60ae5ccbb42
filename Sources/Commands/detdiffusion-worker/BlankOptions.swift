// The options of the generator `blank`, which measurements use.

import ArgumentParser
import Console
import Handlers

/// How long a blank image takes, and whether it is one of its own.
struct BlankOptions: ParsableArguments {
    @Option(
        name: .customLong("blank-delay"),
        help: ArgumentHelp("Generator blank: how long an image takes. Default: 0.", valueName: "milliseconds"))
    var delay: Double?

    @Flag(
        name: .customLong("blank-distinct"),
        help: "Generator blank: each image in a color of its own, so that each is stored and synced.")
    var isDistinct = false

    /// Refuses options that nothing would hear.
    func check(servesBlank: Bool) throws {
        if let delay, !(0...600_000).contains(delay) {
            throw CommandError(.usage, "--blank-delay: expected milliseconds from 0 to 600000, found \(delay)")
        }
        for (flag, isGiven) in [("--blank-delay", delay != nil), ("--blank-distinct", isDistinct)]
        where isGiven && !servesBlank {
            throw CommandError(.usage, "\(flag): expected --generator blank beside it, found none")
        }
    }

    /// The generator that the options describe.
    func generator(maximumBatch: Int) -> BlankGenerator {
        BlankGenerator(
            maximumBatch: maximumBatch, delay: .milliseconds(delay ?? 0), coloring: isDistinct ? .bySeed : .same)
    }
}
