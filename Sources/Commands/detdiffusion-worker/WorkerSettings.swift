// What flags and profile say together: flags first, then the profile, then the defaults.

import Catalogue
import Console
import ErrorLines
import Foundation
import Handlers
import Orchestration
import Tasks

/// The settings of one worker process.
struct WorkerSettings {
    let configuration: WorkerConfiguration
    /// The generators of this process itself.
    let generators: [any Generator]
    /// The generator programs to start.
    let programs: [ProgramCommand]
    /// The detectors of this process.
    let detectors: ServedDetectors
    /// The most tasks of one claim.
    let batch: Int
    let packs: Bool

    init(_ command: Run) throws {
        let profile = try command.profile.map(WorkerProfile.read(path:))
        batch = command.batch ?? profile?.batch ?? 16
        guard (1...10_000).contains(batch) else {
            throw CommandError(.usage, "--batch: expected 1 to 10000, found \(batch)")
        }
        // Flags are heard before the profile: a --program or --detector alone is all that is served.
        let isNamed = command.program.program != nil || command.detector.kind != nil
        let profiled = isNamed ? nil : profile?.generators
        let names = command.generators.isEmpty ? profiled : command.generators
        programs = try Self.programs(command, profile)
        try Self.check(names, programs: programs)
        let device = SharedDevice(try command.checkpoints.engine.computing.request(profile))
        let checkpoints = try command.checkpoints.generators(
            profile, usesProfile: names?.contains(GeneratorName.diffusion) ?? !isNamed, batch: batch, on: device)
        try Self.check(names, checkpoints: checkpoints.count)
        let served = try ServedDetector.named(command, profile)
        generators = try Self.generators(
            command, names, checkpoints: checkpoints, servesOthers: !programs.isEmpty || !served.isEmpty, batch: batch)
        // Before a network is read.
        guard served.allSatisfy({ $0.images != nil }) || !generators.isEmpty || !programs.isEmpty else {
            throw CommandError(
                .usage,
                "--detector: expected --images DIR beside it, the pictures of jobs of detecting, or a --generator whose images "
                    + "it judges, found neither")
        }
        detectors = try ServedDetectors(served, batch: batch, on: device)
        packs = command.pack ?? profile?.pack ?? true
        guard packs || !generators.isEmpty || !programs.isEmpty || !detectors.handlers.isEmpty else {
            throw CommandError(
                .usage,
                "expected a generator, a detector or packing to serve, found none; drop --no-pack, or name a --generator or "
                    + "--detector")
        }
        configuration = try Self.configuration(command, profile)
    }

    /// The generators of this process itself.
    private static func generators(
        _ command: Run, _ names: [String]?, checkpoints: [any Generator], servesOthers: Bool, batch: Int
    ) throws -> [any Generator] {
        // Without a word about generators, programs, detectors and checkpoints are served if there are any, else sketch.
        let servesSketch = names?.contains(GeneratorName.sketch) ?? (!servesOthers && checkpoints.isEmpty)
        let servesBlank = names?.contains(GeneratorName.blank) ?? false
        try command.blank.check(servesBlank: servesBlank)
        var generators: [any Generator] = []
        if servesSketch { generators.append(SketchGenerator(maximumBatch: batch)) }
        if servesBlank { generators.append(command.blank.generator(maximumBatch: batch)) }
        return generators + checkpoints
    }

    /// The worker's name and its times.
    private static func configuration(_ command: Run, _ profile: WorkerProfile?) throws -> WorkerConfiguration {
        let name = command.name ?? ProcessInfo.processInfo.hostName
        guard isName(name) else {
            throw CommandError(
                .usage,
                "--name: expected 1 to 200 characters, none of them a control character, found \(ErrorLine.quoted(name))"
            )
        }
        return WorkerConfiguration(
            name: name,
            lease: try seconds(
                command.lease ?? profile?.lease ?? 60, flag: "--lease", atLeast: 0.5,
                atMost: longestWait),
            hintHorizon: try seconds(
                command.hintHorizon ?? profile?.hintHorizon ?? 30, flag: "--hint-horizon", atLeast: 0.1),
            exitWhenIdle: try (command.exitWhenIdle ?? profile?.exitWhenIdle).map {
                try seconds($0, flag: "--exit-when-idle", atLeast: 0)
            },
            grace: try seconds(command.grace ?? profile?.grace ?? 30, flag: "--grace", atLeast: 0),
            retryDelay: try seconds(
                command.retryDelay ?? profile?.retryDelay ?? 2, flag: "--retry-delay", atLeast: 0.01,
                atMost: longestWait))
    }

    /// People read it in tables, and the catalogue keeps it.
    private static func isName(_ name: String) -> Bool {
        (1...200).contains(name.unicodeScalars.count) && ErrorLine.text(name) == name
    }

    /// The program of the flags, else those of the profile.
    private static func programs(_ command: Run, _ profile: WorkerProfile?) throws -> [ProgramCommand] {
        if let program = try command.program.command() { return [program] }
        // A detector that flags name is all that is served, unless they say more.
        if command.detector.kind != nil, command.generators.isEmpty { return [] }
        // Flags that choose other generators leave the profile's programs out.
        guard command.generators.isEmpty || command.generators.contains(GeneratorName.program) else { return [] }
        return try (profile?.programs ?? []).map { try $0.command(flag: "profile: programs") }
    }

    private static func check(_ names: [String]?, programs: [ProgramCommand]) throws {
        guard let names else { return }
        let known = GeneratorName.builtIn + [GeneratorName.program]
        for name in names where !known.contains(name) {
            throw CommandError(
                .usage,
                "--generator: expected one of \(known.joined(separator: ", ")), found \(JobName.quoted(name))")
        }
        guard names.contains(GeneratorName.program) == !programs.isEmpty else {
            throw CommandError(
                .usage,
                programs.isEmpty
                    ? "--generator program: expected --program PATH, or programs in the profile, found neither"
                    : "--program: expected --generator program beside the other generators, found "
                        + names.joined(separator: ", "))
        }
    }

    private static func check(_ names: [String]?, checkpoints: Int) throws {
        guard let names, names.contains(GeneratorName.diffusion) != (checkpoints > 0) else { return }
        throw CommandError(
            .usage,
            checkpoints == 0
                ? "--generator diffusion: expected --checkpoint DIR, or checkpoints in the profile, found neither"
                : "--checkpoint: expected --generator diffusion beside the other generators, found "
                    + names.joined(separator: ", "))
    }

    /// What lies further ahead in the catalogue counts as nobody's.
    private static let longestWait = Double(Catalogue.longestWait.components.seconds)

    private static func seconds(
        _ value: Double, flag: String, atLeast least: Double, atMost most: Double = 1e7
    ) throws -> Duration {
        guard value.isFinite, value >= least, value <= most else {
            throw CommandError(.usage, "\(flag): expected seconds from \(least) to \(Int(most)), found \(value)")
        }
        return .seconds(value)
    }
}
