// The command `detdiffusion-evaluate`: figures of detectors and of generated images.

import ArgumentParser
import Console

@main
struct DetDiffusionEvaluate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detdiffusion-evaluate",
        abstract: "Computes the figures by which detectors and generated images are judged.",
        discussion: """
            No server is asked.
            Exit codes: 0 done, 64 wrong options, 65 unreadable file contents, 66 missing file, 73 cannot write.
            """,
        version: detdiffusionVersion, subcommands: [Map.self])

    static func main() async { await start() }
}
