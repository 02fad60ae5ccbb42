// The options of the generator `diffusion`: which checkpoints, how many threads, how much memory.

import ArgumentParser
import Console
import Diffusion
import Foundation
import Handlers
import Processors
import Tensors

/// How the engine runs, shared by `run` and `generate`.
struct EngineOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Threads that compute. Default: one a core.", valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Memory that weights and activations may take. Default: what the host has available.",
            valueName: "gigabytes"))
    var memory: Double?

    /// The memory that the options allow.
    func budget(profile: Double? = nil) throws -> MemoryBudget {
        guard let gigabytes = memory ?? profile else { return .available() }
        guard (0.01...100_000).contains(gigabytes) else {
            throw CommandError(.usage, "--memory: expected gigabytes from 0.01 to 100000, found \(gigabytes)")
        }
        return MemoryBudget(bytes: Int(gigabytes * 1e9))
    }

    /// A device with the threads that the options ask for, by default one a core.
    func device(profile: Int? = nil) throws -> CPUDevice {
        guard let threads = threads ?? profile else { return CPUDevice() }
        guard (1...1024).contains(threads) else {
            throw CommandError(.usage, "--threads: expected 1 to 1024, found \(threads)")
        }
        let device = CPUDevice(threads: threads)
        guard device.threads == threads else {
            throw CommandError(
                .unavailable,
                "--threads: expected \(threads), found that the system starts no more than \(device.threads); "
                    + "ask for fewer, or raise its limit of processes")
        }
        return device
    }
}

/// The checkpoints that a worker serves.
struct CheckpointOptions: ParsableArguments {
    @Option(
        name: .customLong("checkpoint"),
        help: ArgumentHelp(
            "A checkpoint folder to serve with generator diffusion. May be given more than once.", valueName: "dir"))
    var folders: [String] = []

    @OptionGroup var engine: EngineOptions

    /// The generators of flags and profile; two folders of one checkpoint are one too many.
    func generators(_ profile: WorkerProfile?, usesProfile: Bool, batch: Int) throws -> [DiffusionGenerator] {
        let folders = folders.isEmpty && usesProfile ? profile?.checkpoints ?? [] : folders
        let (memory, device) = (
            try engine.budget(profile: profile?.memory), try engine.device(profile: profile?.threads)
        )
        let checkpoints = try folders.map { try Checkpoint(folder: $0) }
        let generators = try DiffusionGenerator.sharing(
            checkpoints, maximumBatch: batch, memory: memory, device: device)
        var digests: [String: String] = [:]
        for (generator, folder) in zip(generators, folders) {
            let digest = generator.describe().checkpointDigest ?? ""
            if let other = digests.updateValue(folder, forKey: digest) {
                throw CommandError(
                    .usage, "--checkpoint: expected each checkpoint once, found it in \(other) and in \(folder)")
            }
        }
        return generators
    }
}
