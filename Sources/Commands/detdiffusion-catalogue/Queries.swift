// `jobs`, `shards`, `tasks`, `outputs`, `workers`: rows of the catalogue.

import ArgumentParser
import Catalogue
import Console
import Tasks

struct JobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "jobs", abstract: "Lists jobs with their progress.")

    @Option(help: "Only this job.") var job: String?
    @Option(help: "Only jobs that are running, paused, cancelled or finished.") var state: JobStateFilter?
    @OptionGroup var records: RecordOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let filter = CatalogueFilter(job: job, state: state?.rawValue, limit: records.limit)
            let pages = try await options.open().jobPages(filter)
            let table = Table("job", "strategy", "state", "tasks", "done", "dead", "shards", "finished", "waits for")
            try await records.write(pages, as: table) { table, job in
                table.append(
                    job.job, job.strategy ?? "", job.state, Format.count(job.tasks), Format.count(job.done),
                    Format.count(job.dead), Format.count(job.shards), Format.count(job.finishedShards), job.wait)
            }
        }
    }
}

extension JobSummary {
    /// `detect: 3 shards`, where some are blocked.
    fileprivate var wait: String {
        guard let after, blockedShards > 0 else { return "" }
        let vain = afterState == JobState.cancelled.rawValue ? ", cancelled" : ""
        return "\(after)\(vain): \(Format.count(blockedShards)) shard\(blockedShards == 1 ? "" : "s")"
    }
}

enum JobStateFilter: String, ExpressibleByArgument, CaseIterable { case running, paused, cancelled, finished }

enum ShardStateFilter: String, ExpressibleByArgument, CaseIterable {
    case blocked, open, generated, finished, quarantined, cancelled
}

enum TaskStateFilter: String, ExpressibleByArgument, CaseIterable {
    case open, leased, waiting, done, dead, cancelled
}

struct ShardsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shards", abstract: "Lists shards; `--state finished` are ready for training.")

    @Option(help: "Only shards of this job.") var job: String?
    @Option(help: "Only shards that are blocked, open, generated, finished, quarantined or cancelled.") var state:
        ShardStateFilter?
    @OptionGroup var records: RecordOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let filter = CatalogueFilter(job: job, state: state?.rawValue, limit: records.limit)
            let pages = try await options.open(job: job).shardPages(filter)
            let table = Table("job", "shard", "state", "tasks", "done", "dead", "size", "sha256", "tar")
            try await records.write(pages, as: table) { table, shard in
                table.append(
                    shard.job, String(shard.shard), shard.state, Format.count(shard.tasks),
                    Format.count(shard.done),
                    Format.count(shard.dead), shard.bytes.map(Format.bytes) ?? "",
                    String((shard.sha256 ?? "").prefix(12)), shard.tar ?? shard.reason ?? "")
            }
        }
    }
}

struct TasksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tasks", abstract: "Lists tasks; `--state dead` says why they were given up.")

    @Option(help: "Only tasks of this job.") var job: String?
    @Option(help: "Only tasks of the shard with this number.") var shard: Int?
    @Option(help: "Only tasks of this image.") var image: Int?
    @Option(help: "Only tasks that are open, leased, waiting, done, dead or cancelled.") var state: TaskStateFilter?
    @OptionGroup var records: RecordOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let filter = CatalogueFilter(
                job: job, shard: shard, state: state?.rawValue, image: image, limit: records.limit)
            let pages = try await options.open(job: job).taskPages(filter)
            let table = Table(
                "job", "shard", "task", "kind", "image", "sample", "state", "attempt", "returned", "reason")
            try await records.write(pages, as: table) { table, task in
                table.append(
                    task.job, String(task.shard), String(task.task), task.kind, task.image.map(String.init) ?? "",
                    task.sample.map(String.init) ?? "", task.state, String(task.attempt), String(task.returns),
                    task.reason ?? "")
            }
        }
    }
}

struct OutputsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "outputs", abstract: "Lists generated images.")

    @Option(help: "Only outputs of this job.") var job: String?
    @Option(help: "Only outputs of the shard with this number.") var shard: Int?
    @Option(help: "Only outputs of this image.") var image: Int?
    @OptionGroup var records: RecordOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let filter = CatalogueFilter(job: job, shard: shard, image: image, limit: records.limit)
            let pages = try await options.open(job: job).outputPages(filter)
            let table = Table(
                "job", "shard", "task", "image", "sample", "size", "pixels", "sha256", "worker", "recorded")
            try await records.write(pages, as: table) { table, output in
                table.append(
                    output.job, String(output.shard), String(output.task), String(output.image),
                    String(output.sample), Format.bytes(output.bytes), "\(output.width)x\(output.height)",
                    String(output.sha256.prefix(12)), String(output.worker),
                    output.lost ? "lost, made again" : output.recordedAt)
            }
        }
    }
}

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "workers", abstract: "Lists worker processes.")

    @Option(help: "Only workers that are running, draining, stopped or lost.") var state: WorkerStateFilter?
    @OptionGroup var records: RecordOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let filter = CatalogueFilter(state: state?.rawValue, limit: records.limit)
            let pages = try await options.open().workerPages(filter)
            let table = Table(
                "worker", "name", "host", "pid", "state", "seen", "done", "failed", "leases", "serves")
            try await records.write(pages, as: table) { table, worker in
                table.append(
                    String(worker.worker), worker.name, worker.host, String(worker.pid), worker.state,
                    Format.duration(worker.silent) + " ago", Format.count(worker.done), Format.count(worker.failed),
                    String(worker.leases), worker.serves.joined(separator: ", "))
            }
        }
    }
}

enum WorkerStateFilter: String, ExpressibleByArgument, CaseIterable { case running, draining, stopped, lost }
