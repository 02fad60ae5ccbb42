// `plan`: reads, selects and labels, and says what a job would be. No server is asked.

import ArgumentParser
import Console
import Generation

struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a job would be: what each rule drops, categories, shards, bytes.")

    @OptionGroup var job: JobOptions

    @Flag(help: "One JSON object.")
    var json = false

    func run() async throws {
        try await reporting("detdiffusion-producer") {
            let report = try PlanReport(try JobPlanner.plan(try job.request()))
            if json { try JSONLines().write(report) } else { tell(report.text) }
        }
    }
}
