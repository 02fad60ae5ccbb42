// The built commands and the servers that integration tests use.

import Foundation

/// Where things are, as `ops/test` says in the environment.
public enum Surroundings {
    /// An environment variable that is set and not empty.
    public static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether real servers are there.
    public static var hasServers: Bool {
        variable("AMQP_URL") != nil && variable("DATABASE_URL") != nil && variable("DETDIFFUSION_STORE") != nil
    }

    /// What a skipped test says.
    public static let serversMissing =
        "needs RabbitMQ and PostgreSQL: run it through ops/test, which sets AMQP_URL, DATABASE_URL and DETDIFFUSION_STORE"

    /// What a skipped test says.
    public static let cocoMissing =
        "the folder of real COCO data is missing: set DETDIFFUSION_COCO, or put it at ../shared/data/coco"

    /// The repository.
    public static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The folder of the built commands.
    public static var executables: String { variable("DETDIFFUSION_BIN") ?? root + "/.build/debug" }

    /// Real COCO data, where it is.
    public static var coco: String? {
        [variable("DETDIFFUSION_COCO"), root + "/../shared/data/coco"].compactMap { $0 }
            .first { FileManager.default.fileExists(atPath: $0 + "/instances_val2017_subset.json") }
    }
}

/// The built commands, with an environment of a test's own.
public struct Commands: Sendable {
    /// Added to the environment of every command.
    public var environment: [String: String]

    /// Runs commands with these variables.
    public init(environment: [String: String] = [:]) { self.environment = environment }

    /// Starts `detdiffusion-<name>`.
    public func start(_ name: String, _ arguments: [String], failpoints: String = "") throws -> RunningProcess {
        try RunningProcess(
            "\(Surroundings.executables)/detdiffusion-\(name)", arguments,
            environment: environment.merging(["DETDIFFUSION_FAILPOINTS": failpoints]) { $1 })
    }

    /// Runs `detdiffusion-<name>` to its end.
    public func run(
        _ name: String, _ arguments: [String], failpoints: String = "", limit: Duration = .seconds(120)
    ) throws -> ProcessResult {
        try start(name, arguments, failpoints: failpoints).wait(limit: limit)
    }

    /// Runs `detdiffusion-<name>` to its end, which must be a success.
    /// - Returns: what it wrote to standard output.
    @discardableResult
    public func succeed(_ name: String, _ arguments: [String], limit: Duration = .seconds(120)) throws -> String {
        let result = try run(name, arguments, limit: limit)
        guard result.status == 0 else {
            throw ProcessFailure(
                "detdiffusion-\(name) \(arguments.joined(separator: " ")): exit \(result.status): \(result.errors.suffix(2000)) \(result.output.suffix(2000))"
            )
        }
        return result.output
    }
}
