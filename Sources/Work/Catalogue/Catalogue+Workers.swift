// Who works: registration, signs of life, and messages that nobody could read.

import Postgres
public import Tasks

/// A worker process as it introduces itself.
public struct WorkerIntroduction: Sendable {
    /// What people call it; need not be unique.
    public var name: String
    /// The host's name.
    public var host: String
    /// The process id on that host.
    public var pid: Int
    /// The program's version.
    public var version: String
    /// What it can do.
    public var serves: [HandlerDescription]

    /// Introduces a worker.
    public init(name: String, host: String, pid: Int, version: String, serves: [HandlerDescription]) {
        self.name = name
        self.host = host
        self.pid = pid
        self.version = version
        self.serves = serves
    }

    /// The class of the first handler that needs a device; records carry their own.
    var deviceClass: String { (serves.first(where: \.needsDevice) ?? serves.first)?.deviceClass ?? "none" }
}

/// What a worker process is doing.
public enum WorkerState: String, Sendable, Codable {
    case running, draining, stopped
}

extension Catalogue {
    /// Records a worker process.
    /// - Returns: its row, which claims and leases refer to.
    public func register(_ worker: WorkerIntroduction) async throws -> Int64 {
        let serves = worker.serves.map { "\($0.kind) \($0.capability)" }
        let row = try await connection.query(
            """
            INSERT INTO workers (name, host, pid, version, serves, device_class)
            VALUES (\(worker.name), \(worker.host), \(worker.pid), \(worker.version), \(serves), \(worker.deviceClass))
            RETURNING id
            """
        ).one("INSERT INTO workers")
        return Int64(try row.int("id"))
    }

    /// How long a worker may show no sign of life before it counts as lost; it shows one every 30 seconds.
    public static let silenceOfLostWorkers = Duration.seconds(180)

    /// A sign of life. Who has stopped stays stopped, whatever an earlier call that was held up says.
    public func touch(worker: Int64, state: WorkerState) async throws {
        _ = try await connection.execute(
            "UPDATE workers SET seen_at = now(), state = \(state.rawValue) WHERE id = \(worker) AND state <> 'stopped'")
    }

    /// Keeps a message that could not be read, with its bytes, so that it can be acknowledged.
    public func keepDeadLetter(queue: String, messageID: String, body: [UInt8], reason: String) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO dead_letters (queue, message_id, body, reason)
            VALUES (\(queue), \(messageID), \(body), \(reason))
            """)
    }
}
