// The command `detdiffusion-producer`: splits a COCO subset into layout tasks and enqueues them.

import ArgumentParser
import Console

@main
struct DetDiffusionProducer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detdiffusion-producer",
        abstract: "Splits a COCO subset into layout tasks and enqueues them as a job.",
        discussion: """
            Servers are found in AMQP_URL and DATABASE_URL; flags override them.
            Exit codes: 0 done, 64 wrong options, 65 unreadable file contents, 66 missing file, 69 a server is away, \
            73 cannot write, 77 wrong credentials, 78 refused by the catalogue.
            """,
        version: detdiffusionVersion, subcommands: [Plan.self, Enqueue.self, Attributes.self, Example.self])

    static func main() async { await start() }
}
