// `inspect`: what a checkpoint or a generator program is, without any server.

import ArgumentParser
import Console
import Diffusion
import Digests
import Handlers
import Logging
import Tasks
import Tensors

struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a checkpoint holds, or what a generator program's ready line says.")

    @Option(help: ArgumentHelp("A checkpoint folder as diffusers writes it.", valueName: "dir"))
    var checkpoint: String?

    @OptionGroup var program: ProgramOptions

    @Flag(help: "One JSON object.")
    var json = false

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = Logger.Level.warning

    func run() async throws {
        // What all commands say in one line, this one lists after it.
        var details: [String] = []
        defer { for line in details { remark(line) } }
        try await reporting("detdiffusion-worker") {
            let command = try program.command()
            guard (command == nil) != (checkpoint == nil) else {
                throw CommandError(
                    .usage,
                    "inspect: expected either --checkpoint DIR or --program PATH, found \(command == nil ? "neither" : "both")"
                )
            }
            do {
                if let checkpoint {
                    let device = try DeviceRequest(choice: .cpu).device()
                    try show(CheckpointReport(try Checkpoint(folder: checkpoint), on: device.facts)) { $0.text }
                }
            } catch let error as CheckpointError {
                details = error.details
                throw error
            }
            guard let command else { return }
            let logger = LoggingOptions.bootstrap("detdiffusion-worker", level: logLevel)
            let programs = try await RunningPrograms.start([command], batch: .max, logger: logger)
            await programs.stop()
            for generator in programs.generators { try show(ProgramReport(generator.facts)) { $0.text } }
        }
    }

    private func show<Report: Encodable>(_ report: Report, text: (Report) -> String) throws {
        if json { try JSONLines().write(report) } else { tell(text(report)) }
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
    /// What `enqueue` must be told so that the program can serve the job.
    private let options: String

    enum CodingKeys: String, CodingKey { case name, checkpoint, capability, deviceClass, sizes, batch }

    init(_ facts: ProgramFacts) {
        name = facts.name
        checkpoint = facts.checkpoint?.hex
        capability = facts.capability.rawValue
        deviceClass = facts.deviceClass
        sizes = facts.sizes.description
        batch = facts.batch
        options =
            "--generator \(name)" + (checkpoint.map { " --checkpoint-digest \($0)" } ?? "")
            + (facts.sizes.first.map { " --size \($0)" } ?? "")
    }

    var text: String {
        """
        name        \(name)
        checkpoint  \(checkpoint ?? "none")
        capability  \(capability)
        device      \(deviceClass)
        sizes       \(sizes)
        batch       \(batch)
        enqueue     \(options)
        provision   --generator \(capability)
        """
    }
}
