// `inspect`: what a generator program says about itself, without any server.

import ArgumentParser
import Console
import Digests
import Handlers
import Logging
import Tasks

struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Starts a generator program, shows what its ready line says, and ends it.")

    @OptionGroup var program: ProgramOptions

    @Flag(help: "One JSON object.")
    var json = false

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = Logger.Level.warning

    func run() async throws {
        try await reporting("detdiffusion-worker") {
            guard let command = try program.command() else {
                throw CommandError(.usage, "--program: expected the path of a program, found none")
            }
            let logger = LoggingOptions.bootstrap("detdiffusion-worker", level: logLevel)
            let programs = try await RunningPrograms.start([command], batch: .max, logger: logger)
            await programs.stop()
            for generator in programs.generators {
                let report = ProgramReport(generator.facts)
                if json { try JSONLines().write(report) } else { print(report.text) }
            }
        }
    }
}

/// A program's ready line as `inspect` shows it.
struct ProgramReport: Encodable {
    var name: String
    var checkpoint: String?
    var capability: String
    var deviceClass: String
    var sizes: String
    var batch: Int

    init(_ facts: ProgramFacts) {
        name = facts.name
        checkpoint = facts.checkpoint?.hex
        capability = facts.capability.rawValue
        deviceClass = facts.deviceClass
        sizes = facts.sizes.description
        batch = facts.batch
    }

    var text: String {
        """
        name        \(name)
        checkpoint  \(checkpoint ?? "none")
        capability  \(capability)
        device      \(deviceClass)
        sizes       \(sizes)
        batch       \(batch)
        enqueue     --generator \(name)\(checkpoint.map { " --checkpoint-digest \($0)" } ?? "")
        provision   --generator \(capability)
        """
    }
}
