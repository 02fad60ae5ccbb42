// `toy enqueue`, `toy work`: a producer and a worker of the kind `reverse`, for tests that kill them.

import Addresses
import Broker
import Catalogue
import Foundation
import Logging
import Messaging
import Orchestration
import Postgres
import ServiceLifecycle
import Tasks

@main
struct Toy {
    /// Tasks of the job, its shards and hints.
    static let (tasks, shardSize, hintSize) = (24, 8, 4)

    static func main() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let logger = Logger(label: "toy")
        let database = try DatabaseURL(variable("DATABASE_URL"))
        let broker = try BrokerURL(variable("AMQP_URL"))
        let catalogue = Catalogue(url: database, applicationName: "toy", logger: logger)
        switch CommandLine.arguments.dropFirst().first {
        case "enqueue": try await enqueue(in: catalogue, broker: broker, logger: logger)
        case "work": try await work(in: catalogue, database: database, broker: broker, logger: logger)
        default: exit(64)
        }
    }

    private static func variable(_ name: String) -> String { ProcessInfo.processInfo.environment[name] ?? "" }

    /// One task holds bytes that are no text, where the environment says so.
    private static func payload(_ number: Int) -> [UInt8] {
        number == 5 && !variable("TOY_GARBAGE").isEmpty ? [0xff] : Array("text \(number)".utf8)
    }

    private static func enqueue(in catalogue: Catalogue, broker: BrokerURL, logger: Logger) async throws {
        let draft = JobDraft(
            name: "toy", kind: .reverse, capability: .mirror, lane: .normal, strategy: nil,
            specification: #"{"kind":"reverse"}"#, categories: "[]", statistics: "{}", followUp: nil,
            shardSize: shardSize, hintSize: hintSize)
        let job = try await catalogue.enqueue(draft, taskCount: tasks) { number in
            TaskDraft(imageID: number, sample: 0, payload: payload(number))
        }
        let publisher = Publisher(
            url: broker, topology: WorkTopology(queues: draft.queues).declared, logger: logger)
        _ = try await publisher.whileRunning {
            try await JobPublication(catalogue: catalogue, publisher: publisher).publish(job: job.id)
        }
    }

    private static func work(
        in catalogue: Catalogue, database: DatabaseURL, broker: BrokerURL, logger: Logger
    ) async throws {
        let lease = Duration.seconds(1.5)
        let configuration = WorkerConfiguration(
            name: "toy", lease: lease, hintHorizon: .seconds(0.5), exitWhenIdle: .seconds(0.7),
            retryDelay: .milliseconds(50))
        let handler = ReverseHandler()
        let worker = Worker(
            configuration: configuration, handlers: [handler], catalogue: catalogue,
            upkeep: Catalogue(url: database, applicationName: "toy upkeep", logger: logger),
            renewals: Catalogue(renewing: lease, url: database, applicationName: "toy renewals", logger: logger),
            broker: broker,
            introduction: WorkerIntroduction(
                name: "toy", host: "test", pid: Int(ProcessInfo.processInfo.processIdentifier), version: "toy",
                serves: [handler.description]),
            logger: logger)
        let services = [
            ServiceGroupConfiguration.ServiceConfiguration(
                service: worker, successTerminationBehavior: .gracefullyShutdownGroup)
        ]
        try await ServiceGroup(configuration: .init(services: services, logger: logger)).run()
    }
}
