// What flags and profile say together: flags first, then the profile, then the defaults.

import Console
import Foundation
import Handlers
import Orchestration

/// The settings of one worker process.
struct WorkerSettings {
    let configuration: WorkerConfiguration
    let generators: [any Generator]
    let packs: Bool

    init(_ command: Run) throws {
        let profile = try command.profile.map(WorkerProfile.read(path:))
        let batch = command.batch ?? profile?.batch ?? 16
        guard (1...10_000).contains(batch) else {
            throw CommandError(.usage, "--batch: expected 1 to 10000, found \(batch)")
        }
        let names = command.generators.isEmpty ? profile?.generators ?? ["sketch"] : command.generators
        generators = try names.map { name in
            guard name == "sketch" else {
                throw CommandError(.usage, "--generator: expected sketch, found '\(name)'")
            }
            return SketchGenerator(maximumBatch: batch)
        }
        packs = command.pack ?? profile?.pack ?? true
        guard packs || !generators.isEmpty else {
            throw CommandError(
                .usage, "expected a generator or packing to serve, found neither; drop --no-pack or name a --generator")
        }
        configuration = WorkerConfiguration(
            name: command.name ?? ProcessInfo.processInfo.hostName,
            lease: try Self.seconds(command.lease ?? profile?.lease ?? 60, flag: "--lease", atLeast: 0.5),
            hintHorizon: try Self.seconds(
                command.hintHorizon ?? profile?.hintHorizon ?? 30, flag: "--hint-horizon", atLeast: 0.1),
            exitWhenIdle: try (command.exitWhenIdle ?? profile?.exitWhenIdle).map {
                try Self.seconds($0, flag: "--exit-when-idle", atLeast: 0)
            },
            grace: try Self.seconds(command.grace ?? profile?.grace ?? 30, flag: "--grace", atLeast: 0),
            retryDelay: try Self.seconds(
                command.retryDelay ?? profile?.retryDelay ?? 2, flag: "--retry-delay", atLeast: 0.01))
    }

    private static func seconds(_ value: Double, flag: String, atLeast least: Double) throws -> Duration {
        guard value.isFinite, value >= least, value <= 1e7 else {
            throw CommandError(.usage, "\(flag): expected seconds from \(least) to 10000000, found \(value)")
        }
        return .seconds(value)
    }
}
