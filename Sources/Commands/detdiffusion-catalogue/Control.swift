// `pause`, `resume`, `cancel`, `retry`, `finish`, `purge`: rows that workers respect, and a nudge over the broker.

import ArgumentParser
import Broker
import Catalogue
import Console
import Logging
import Messaging
import Orchestration
import Tasks

/// What every control command is given.
struct ControlOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The job.", valueName: "name")) var job: String
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var options: CatalogueOptions

    /// Publishes hints and control messages.
    func announce(_ targets: [HintTarget], control: ControlMessage? = nil) async throws {
        try await broker.announce(targets, control: control, logging: options.logging)
    }

    /// Opens the catalogue. A broker that only a person can mend is told before anything is changed.
    func open() async throws -> Catalogue {
        try await broker.requireAcceptance()
        return try await options.open()
    }
}

extension BrokerOptions {
    /// Throws what asking again cannot help: an address, a user or a password that is wrong, an untrusted certificate.
    /// A broker that is away is no reason to refuse, and is told when it could not be reached afterwards either.
    func requireAcceptance() async throws {
        do {
            _ = try await BrokerProbe.check(try url())
        } catch let error as BrokerError where !error.isPermanent {
            return
        }
    }

    /// Publishes hints and control messages. The catalogue holds already when this runs, so a broker that is away only
    /// costs time: idle workers find the work.
    func announce(_ targets: [HintTarget], control: ControlMessage? = nil, logging: LoggingOptions) async throws {
        var logger = Logger(label: "detdiffusion-catalogue")
        logger.logLevel = logging.logLevel
        let publisher = Publisher(
            url: try url(), topology: WorkTopology(queues: targets.map(\.queue)).declared, reportsOutages: false,
            logger: logger)
        let announcer = Announcer(publisher: publisher, logger: logger)
        do {
            try await publisher.whileRunning {
                try await announcer.announce(targets)
                if let control { try await announcer.announce(control) }
            }
        } catch {
            remark(
                "the catalogue is changed, but the broker could not tell the workers: \(error);"
                    + " they will see it by themselves")
        }
    }
}

/// Says on standard error how many shards of a large job are dealt with.
private func shardProgress(of job: String) -> (ShardProgress) -> Void {
    var remarks = ProgressRemarks()
    return { progress in
        if let line = remarks.line("job '\(job)'", progress.shards, of: progress.totalShards, "shards") { remark(line) }
    }
}

struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stops handing out a job's tasks; what is being computed may finish.")

    @OptionGroup var control: ControlOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let id = try await control.open().pause(job: control.job)
            try await control.announce([], control: ControlMessage(job: id, action: .pause))
            tell("job '\(control.job)' is paused")
        }
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Hands out a paused job's tasks again.")

    @OptionGroup var control: ControlOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let (id, targets) = try await control.open().resume(job: control.job)
            try await control.announce(targets, control: ControlMessage(job: id, action: .resume))
            tell("job '\(control.job)' is running")
        }
    }
}

struct CancelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Gives up what is not done yet; finished shards stay.")

    @OptionGroup var control: ControlOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let catalogue = try await control.open()
            let id = try await catalogue.cancel(job: control.job, progress: shardProgress(of: control.job))
            try await control.announce([], control: ControlMessage(job: id, action: .cancel))
            tell("job '\(control.job)' is cancelled")
            for job in try await catalogue.waitingJobs(for: id) {
                remark("job '\(job)' waits for it and will not begin; run `detdiffusion-catalogue cancel --job \(job)`")
            }
        }
    }
}

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Opens a job's dead tasks and quarantined shards for another round of attempts."
    )

    @OptionGroup var control: ControlOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let (opened, targets) = try await control.open().retry(
                job: control.job, progress: shardProgress(of: control.job))
            try await control.announce(targets)
            tell("job '\(control.job)': \(Format.count(opened)) tasks opened again")
        }
    }
}

struct FinishCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finish", abstract: "Lets a job's shards finish without their dead tasks; such shards are marked.")

    @OptionGroup var control: ControlOptions

    @Option(help: ArgumentHelp("Dead tasks that a shard may have.", valueName: "n"))
    var allowDead: Int

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard allowDead >= 0 else {
                throw CommandError(.usage, "--allow-dead: expected 0 or more, found \(allowDead)")
            }
            let targets = try await control.open().allowDead(
                allowDead, job: control.job, progress: shardProgress(of: control.job))
            try await control.announce(targets)
            tell("job '\(control.job)': shards with at most \(allowDead) dead tasks finish without them")
        }
    }
}

struct PurgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Removes a finished or cancelled job's rows; `gc` removes its files afterwards."
    )

    @Option(help: ArgumentHelp("The job.", valueName: "name")) var job: String
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            try await options.open().purge(job: job, progress: shardProgress(of: job))
            tell("job '\(job)' is removed from the catalogue")
        }
    }
}
