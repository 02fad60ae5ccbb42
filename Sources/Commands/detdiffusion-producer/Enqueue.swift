// `enqueue`: records the job in the catalogue and publishes its hints.

import ArgumentParser
import Catalogue
import Console
import Generation
import Layouts
import Tasks

struct Enqueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Records a job and publishes its tasks; run again, it publishes only what is missing.",
        discussion: """
            For a job that is there already, --hint-size and --max-attempts hold from now on where they are given, and its \
            priority stays. A task that is dead stays dead until `detdiffusion-catalogue retry`.
            """)

    @OptionGroup var queueing: EnqueueOptions
    @OptionGroup var job: JobOptions

    func run() async throws {
        try await reporting("detdiffusion-producer") {
            try queueing.check()
            let planned = try JobPlanner.plan(try job.request())
            let draft = queueing.complete(
                try planned.draft(
                    name: queueing.name, lane: queueing.priority ?? .normal, hintSize: queueing.hintSize))
            if queueing.dryRun {
                let report = try PlanReport(planned)
                if queueing.json { try JSONLines().write(report) } else { tell(report.text) }
                return
            }
            for oddity in planned.remarks where oddity.isWarning {
                remark("detdiffusion-producer: warning: \(oddity.text)")
            }
            try await queueing.enqueue(draft, taskCount: planned.taskCount) { number in try planned.task(number) }
        }
    }
}
