// `enqueue`: records the job in the catalogue and publishes its hints.

import ArgumentParser
import Broker
import Catalogue
import Console
import Generation
import Layouts
import Messaging
import Orchestration
import Tasks

struct Enqueue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Records a job and publishes its tasks; run again, it publishes only what is missing.",
        discussion: """
            For a job that is there already, --hint-size and --max-attempts hold from now on where they are given, and its \
            priority stays. A task that is dead stays dead until `detdiffusion-catalogue retry`.
            """)

    @Option(
        name: .customLong("job"),
        help: ArgumentHelp("The job's name: letters, digits, . _ and -, at most 100.", valueName: "name"))
    var name: String

    @OptionGroup var job: JobOptions

    @Option(
        help: ArgumentHelp(
            "Tasks per hint; more is faster to enqueue, less spreads a small job over more workers. (default: 16)",
            valueName: "n"))
    var hintSize: Int?

    @Option(help: ArgumentHelp("normal, or high: workers take it first. (default: normal)", valueName: "lane"))
    var priority: Lane?

    @Option(help: ArgumentHelp("Failed tries after which a task is dead. (default: 5)", valueName: "n"))
    var maxAttempts: Int?

    @Option(help: ArgumentHelp("Begin when this job is finished; once recorded it stays.", valueName: "job"))
    var after: String?

    @Flag(help: "With --after: begin each shard when that job's shard of the same number is finished.")
    var byShard = false

    @Option(help: ArgumentHelp("How long the broker may be away.", valueName: "seconds"))
    var patience = 60.0

    @Flag(help: "Plan and check, but record and publish nothing.")
    var dryRun = false

    @Flag(help: "One JSON object.")
    var json = false

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var logging: LoggingOptions

    func run() async throws {
        try await reporting("detdiffusion-producer") {
            try checkOptions()
            let planned = try JobPlanner.plan(try job.request())
            var draft = try planned.draft(name: name, lane: priority ?? .normal, hintSize: hintSize)
            draft.maximumAttempts = maxAttempts
            draft.after = after.map { JobPredecessor(job: $0, by: byShard ? .shard : .job) }
            if !dryRun {
                for oddity in planned.remarks where oddity.isWarning {
                    remark("detdiffusion-producer: warning: \(oddity.text)")
                }
            }
            if dryRun {
                let report = try PlanReport(planned)
                if json { try JSONLines().write(report) } else { tell(report.text) }
                return
            }
            let result = try await enqueue(planned, draft)
            if json { try JSONLines().write(result) } else { tell(result.text) }
        }
    }

    private func checkOptions() throws {
        guard JobName.isValid(name) else {
            throw CommandError(
                .usage,
                "--job: expected 1 to 100 letters, digits, '.', '_' or '-', beginning with a letter or "
                    + "digit, found \(JobName.quoted(name))"
            )
        }
        if let after, !JobName.isValid(after) {
            throw CommandError(.usage, "--after: expected a job's name, found \(JobName.quoted(after))")
        }
        guard after != nil || !byShard else {
            throw CommandError(.usage, "--by-shard: expected --after JOB beside it, found none")
        }
        if let hintSize, !(1...100_000).contains(hintSize) {
            throw CommandError(.usage, "--hint-size: expected 1 to 100000, found \(hintSize)")
        }
        guard (0...86_400).contains(patience) else {
            throw CommandError(.usage, "--patience: expected 0 to 86400 seconds, found \(patience)")
        }
        if let maxAttempts, !(1...100).contains(maxAttempts) {
            throw CommandError(.usage, "--max-attempts: expected 1 to 100, found \(maxAttempts)")
        }
    }

    /// What became of the options that are no part of the specification.
    private func say(what recorded: EnqueuedJob) {
        if let priority, recorded.lane != priority {
            remark("job '\(name)' keeps its priority \(recorded.lane.rawValue)")
        }
        let changes = [
            ("hint size", recorded.hintSizeBefore, recorded.hintSize),
            ("max attempts", recorded.maximumAttemptsBefore, recorded.maximumAttempts),
        ].filter { $0.1 != $0.2 }.map { "\($0.0) \($0.2) (\($0.1) before)" }
        if !changes.isEmpty { remark("job '\(name)' has from now on: \(changes.joined(separator: ", "))") }
    }

    private func enqueue(_ planned: PlannedJob, _ draft: JobDraft) async throws -> EnqueueResult {
        let logger = logging.bootstrap("detdiffusion-producer")
        let catalogue = Catalogue(
            url: try database.url(), applicationName: "detdiffusion-producer", logger: logger)
        try await catalogue.requireCurrentSchema()
        let address = try broker.url()
        let deadline = Duration.seconds(patience)
        // Asked before anything is recorded: a job that nobody may publish should not be there.
        let topology = WorkTopology(queues: draft.queues).declared
        try await BrokerProbe.awaitBroker(address, declaring: topology, patience: deadline)
        let publisher = Publisher(url: address, topology: topology, logger: logger)
        let clock = ContinuousClock()
        let begin = clock.now
        let recorded = try await catalogue.enqueue(draft, taskCount: planned.taskCount) { number in
            try planned.task(number)
        }
        let recordedAt = clock.now
        say(what: recorded)
        let published = try await publisher.whileRunning {
            try await JobPublication(catalogue: catalogue, publisher: publisher, deadline: deadline).publish(
                job: recorded.id)
        }
        let waiting = try await catalogue.wait(of: recorded.id)
        if let waiting { remark("job '\(name)': \(waiting)") }
        return EnqueueResult(
            job: name, new: recorded.isNew, after: recorded.after?.job, blockedShards: waiting?.shards ?? 0,
            tasks: recorded.tasksBefore + recorded.tasksAdded,
            tasksAdded: recorded.tasksAdded, shardsAdded: recorded.shardsAdded, hintsPublished: published.hints,
            secondsRecording: (recordedAt - begin) / .seconds(1),
            secondsPublishing: (clock.now - recordedAt) / .seconds(1))
    }
}

/// What `enqueue` did.
struct EnqueueResult: Encodable {
    var job: String
    var new: Bool
    /// The job that it follows.
    var after: String?
    /// Shards that wait for that job.
    var blockedShards: Int
    var tasks: Int
    var tasksAdded: Int
    var shardsAdded: Int
    var hintsPublished: Int
    /// From the planned job to its COMMIT.
    var secondsRecording: Double
    /// From the COMMIT to the last confirm and mark, connecting to the broker included.
    var secondsPublishing: Double

    var text: String {
        let what = new ? "enqueued" : (tasksAdded > 0 ? "extended" : "already there")
        return
            "job '\(job)' \(what): \(Format.count(tasks)) tasks, \(Format.count(tasksAdded)) new in "
            + "\(Format.count(shardsAdded)) shards, \(Format.count(hintsPublished)) hints published"
    }
}
