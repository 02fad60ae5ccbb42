// Recording a job and publishing its hints: what every command that enqueues is told, and what it does with a draft.

import ArgumentParser
import Broker
import Catalogue
import Console
import Logging
import Messaging
import Orchestration
import Tasks

/// How a job is called, queued and cut, and where the servers are.
struct EnqueueOptions: ParsableArguments {
    @Option(
        name: .customLong("job"),
        help: ArgumentHelp("The job's name: letters, digits, . _ and -, at most 100.", valueName: "name"))
    var name: String

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

    /// Refuses what no job can have.
    func check() throws {
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

    /// The draft with what these options say.
    func complete(_ draft: JobDraft) -> JobDraft {
        var draft = draft
        draft.maximumAttempts = maxAttempts
        draft.after = after.map { JobPredecessor(job: $0, by: byShard ? .shard : .job) }
        return draft
    }

    /// A logger, and the catalogue, which has this program's schema.
    func open() async throws -> (Catalogue, Logger) {
        let logger = logging.bootstrap("detdiffusion-producer")
        let catalogue = Catalogue(
            url: try database.url(), applicationName: "detdiffusion-producer", logger: logger)
        try await catalogue.requireCurrentSchema()
        return (catalogue, logger)
    }

    /// Records the job, publishes it, and says what became of that.
    func enqueue(
        _ draft: JobDraft, taskCount: Int, task: @escaping @Sendable (Int) throws -> TaskDraft
    ) async throws {
        let (catalogue, logger) = try await open()
        try await enqueue(draft, taskCount: taskCount, in: catalogue, logger: logger, task: task)
    }

    /// The same in a catalogue that is open.
    func enqueue(
        _ draft: JobDraft, taskCount: Int, in catalogue: Catalogue, logger: Logger,
        task: @escaping @Sendable (Int) throws -> TaskDraft
    ) async throws {
        let result = try await record(draft, taskCount: taskCount, in: catalogue, logger: logger, task: task)
        if json { try JSONLines().write(result) } else { tell(result.text) }
    }

    private func record(
        _ draft: JobDraft, taskCount: Int, in catalogue: Catalogue, logger: Logger,
        task: @escaping @Sendable (Int) throws -> TaskDraft
    ) async throws -> EnqueueResult {
        let address = try broker.url()
        let deadline = Duration.seconds(patience)
        // Asked before anything is recorded: a job that nobody may publish should not be there.
        let topology = WorkTopology(queues: draft.queues).declared
        try await BrokerProbe.awaitBroker(address, declaring: topology, patience: deadline)
        let publisher = Publisher(url: address, topology: topology, logger: logger)
        let clock = ContinuousClock()
        let begin = clock.now
        let recorded = try await catalogue.enqueue(draft, taskCount: taskCount, task: task)
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
}

/// What enqueuing did.
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
