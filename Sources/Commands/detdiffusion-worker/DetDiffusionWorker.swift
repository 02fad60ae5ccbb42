// The command `detdiffusion-worker`: takes tasks from the queues and makes what they ask for.

import ArgumentParser
import Console

@main
struct DetDiffusionWorker: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detdiffusion-worker",
        abstract: "Serves tasks: generates images and packs finished shards.",
        discussion: """
            Servers and object directory are found in AMQP_URL, DATABASE_URL and DETDIFFUSION_STORE; flags override them.
            Exit codes: 0 drained, 64 wrong options, 65 unreadable profile, 66 missing profile or program, 69 a server is away \
            or a generator program or a device cannot be used at the start, 73 the object directory cannot be written, 77 wrong \
            credentials, 78 the schema is not this program's. generate, detect and inspect: 65 a checkpoint, layout, latents, weights or pictures that \
            cannot be used, 66 one that is missing.
            """,
        version: detdiffusionVersion, subcommands: [Run.self, Generate.self, Detect.self, Inspect.self, Devices.self])

    static func main() async { await start() }
}
