// The options of the generator `diffusion`: which checkpoints, which device, how much memory.

import ArgumentParser
import Console
import Diffusion
import Handlers
import Tensors

/// How the engine runs, shared by `run` and `generate`.
struct EngineOptions: ParsableArguments {
    @OptionGroup var computing: DeviceOptions

    @Option(
        help: ArgumentHelp(
            "Memory that weights and activations may take. Default: what the device has available.",
            valueName: "gigabytes"))
    var memory: Double?

    /// The memory that the options allow, by default what is left on `device`.
    func budget(on device: any Device, profile: Double? = nil) throws -> MemoryBudget {
        guard let gigabytes = memory ?? profile else { return MemoryBudget(bytes: device.freeBytes) }
        guard (0.01...100_000).contains(gigabytes) else {
            throw CommandError(.usage, "--memory: expected gigabytes from 0.01 to 100000, found \(gigabytes)")
        }
        return MemoryBudget(bytes: Int(gigabytes * 1e9))
    }

    /// The device that the options ask for.
    func device(_ profile: WorkerProfile? = nil) throws -> any Device { try computing.device(profile) }
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
    func generators(
        _ profile: WorkerProfile?, usesProfile: Bool, batch: Int, on device: SharedDevice
    ) throws -> [DiffusionGenerator] {
        let folders = folders.isEmpty && usesProfile ? profile?.checkpoints ?? [] : folders
        guard !folders.isEmpty else { return [] }
        let device = try device()
        let memory = try engine.budget(on: device, profile: profile?.memory)
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
