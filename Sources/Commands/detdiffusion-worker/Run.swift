// `run`: one worker process, from the first claim to the drain.

import ArgumentParser
import Broker
import Catalogue
import Console
import Foundation
import Handlers
import Logging
import Orchestration
import Postgres
import ServiceLifecycle
import Stores
import Tasks
import UnixSignals

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves tasks until asked to stop; a second SIGTERM or SIGINT leaves at once.")

    @Option(help: ArgumentHelp("A profile from workers/; flags override it.", valueName: "file"))
    var profile: String?

    @Option(
        name: .customLong("generator"),
        help: ArgumentHelp(
            "A generator to serve: \((GeneratorName.builtIn + [GeneratorName.program]).joined(separator: ", ")). May be given "
                + "more than once.", valueName: "name"))
    var generators: [String] = []

    @Option(help: ArgumentHelp("The most tasks of one claim; as many as the device takes in one pass.", valueName: "n"))
    var batch: Int?

    @Flag(inversion: .prefixedNo, help: "Pack finished shards.")
    var pack: Bool?

    @Option(help: ArgumentHelp("Leave after this long without anything to do.", valueName: "seconds"))
    var exitWhenIdle: Double?

    @Option(help: ArgumentHelp("How long a claim lasts without renewal. Default: 60.", valueName: "seconds"))
    var lease: Double?

    @Option(help: ArgumentHelp("When an idle worker hints a shard again. Default: 30.", valueName: "seconds"))
    var hintHorizon: Double?

    @Option(
        help: ArgumentHelp("How long a drain may take before work is given back. Default: 30.", valueName: "seconds"))
    var grace: Double?

    @Option(
        help: ArgumentHelp(
            "How long a failed task waits at most before its second attempt. Default: 2.", valueName: "seconds"))
    var retryDelay: Double?

    @Option(help: ArgumentHelp("What people call this worker. Default: the host's name.", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "Write archives here before the store takes them. Default: within the store where that is a folder, else the "
                + "system's temporary folder.", valueName: "dir"))
    var scratch: String?

    @Option(
        help: ArgumentHelp(
            "Start a worker for each of several devices: all (every GPU), or names with commas between them. The device's name "
                + "is added to a worker's.", valueName: "list"))
    var devices: String?

    @OptionGroup var checkpoints: CheckpointOptions
    @OptionGroup var program: ProgramOptions
    @OptionGroup var blank: BlankOptions
    @OptionGroup var detector: DetectorOptions

    @Option(
        help: ArgumentHelp(
            "With --detector: the folder of the pictures, to serve jobs of detecting. Without it, the detector judges the "
                + "images of a --generator for jobs with a gate.", valueName: "dir"))
    var images: String?

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var objects: StoreOptions

    @Option(name: .long, help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel = Logger.Level.info

    func run() async throws {
        try await reporting("detdiffusion-worker") {
            if let devices {
                let options = checkpoints.engine.computing
                guard options.name == nil else {
                    throw CommandError(.usage, "--devices: expected no --device beside it, found both")
                }
                return try await DeviceWorkers(devices, torch: options.torch, name: name).run()
            }
            let settings = try WorkerSettings(self)
            let logger = LoggingOptions.bootstrap("detdiffusion-worker", level: logLevel)
            let surroundings = try await Surroundings(database, objects, scratch: scratch, broker, logger: logger)
            let programs = try await RunningPrograms.start(settings.programs, batch: settings.batch, logger: logger)
            do {
                let generators = settings.generators + programs.generators
                try await serve(settings, generators: generators, in: surroundings, logger: logger)
            } catch {
                await programs.stop()
                throw error
            }
            await programs.stop()
        }
    }

    private func serve(
        _ settings: WorkerSettings, generators: [any Generator], in surroundings: Surroundings, logger: Logger
    ) async throws {
        let worker = makeWorker(settings, generators: generators, in: surroundings, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        let impatience = ImpatientExit(grace: settings.configuration.grace)
        defer { withExtendedLifetime(impatience) {} }
        try await group.run()
    }

    private func makeWorker(
        _ settings: WorkerSettings, generators: [any Generator], in surroundings: Surroundings, logger: Logger
    ) -> Worker {
        let (catalogue, store) = (surroundings.catalogue, surroundings.store)
        let upkeep = Catalogue(
            url: surroundings.database, applicationName: "detdiffusion-worker upkeep", keepsPlans: true, logger: logger)
        let renewals = Catalogue(
            renewing: settings.configuration.lease, url: surroundings.database,
            applicationName: "detdiffusion-worker renewals", logger: logger)
        var handlers: [any TaskHandler] = []
        let (name, host) = (settings.configuration.name, ProcessInfo.processInfo.hostName)
        if settings.packs {
            handlers.append(
                PackHandler(
                    catalogue: catalogue, store: store, scratch: surroundings.scratch, worker: name, host: host))
        }
        handlers += generators.map { GenerateHandler(generator: $0, store: store) }
        handlers += generators.flatMap { generator in
            settings.detectors.judges.map { GenerateHandler(generator: generator, store: store, judge: $0) }
        }
        handlers += settings.detectors.handlers as [any TaskHandler]
        let introduction = WorkerIntroduction(
            name: name, host: host,
            pid: Int(ProcessInfo.processInfo.processIdentifier), version: detdiffusionVersion,
            serves: handlers.map(\.description))
        return Worker(
            configuration: settings.configuration, handlers: handlers, catalogue: catalogue, upkeep: upkeep,
            renewals: renewals, broker: surroundings.broker, introduction: introduction, logger: logger)
    }
}

/// What a worker works with; looked at before a program is started or a worker is recorded.
private struct Surroundings {
    let database: DatabaseURL
    let broker: BrokerURL
    let catalogue: Catalogue
    /// The catalogue's own store.
    let store: any ObjectStore
    /// Where archives are written before the store takes them.
    let scratch: ScratchFolder

    /// Reads all addresses before a server is asked.
    init(
        _ database: DatabaseOptions, _ objects: StoreOptions, scratch: String?, _ broker: BrokerOptions, logger: Logger
    ) async throws {
        self.database = try database.url()
        _ = try objects.site()
        self.broker = try broker.url()
        catalogue = Catalogue(
            url: self.database, applicationName: "detdiffusion-worker", keepsPlans: true, logger: logger)
        store = try await objects.open(of: catalogue, for: .writing)
        self.scratch = try scratch.map(ScratchFolder.init(path:)) ?? store.scratch ?? .system
        // What crashes left in the store's own folder, garbage collection removes.
        if self.scratch != store.scratch { try self.scratch.removeStale(olderThan: .seconds(86_400)) }
    }
}
