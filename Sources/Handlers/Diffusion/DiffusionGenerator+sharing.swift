// Several checkpoints in one worker: one device, one budget.

public import Diffusion
import Tensors

extension DiffusionGenerator {
    /// A generator for each checkpoint, in order. One of them computes at a time, so all share a device; all stay loaded,
    /// so each leaves room for the others.
    ///
    /// - Parameters:
    ///   - checkpoints: the models.
    ///   - maximumBatch: the most tasks of one claim.
    ///   - memory: what all together may take.
    ///   - threads: how many compute, by default one a core.
    /// - Throws: ``Diffusion/CheckpointError`` when a checkpoint cannot be read, or not all can be loaded.
    public static func sharing(
        _ checkpoints: [Checkpoint], maximumBatch: Int, memory: MemoryBudget, threads: Int? = nil
    ) throws(CheckpointError) -> [DiffusionGenerator] {
        let device = device(for: checkpoints, memory: memory, threads: threads)
        let all = loaded(checkpoints, device)
        return try checkpoints.map { checkpoint throws(CheckpointError) in
            try DiffusionGenerator(
                checkpoint: checkpoint, maximumBatch: maximumBatch,
                memory: memory.less(all - loaded([checkpoint], device)), device: device)
        }
    }

    /// A device for these checkpoints together.
    static func device(for checkpoints: [Checkpoint], memory: MemoryBudget, threads: Int? = nil) -> CPUDevice {
        // Winograd's weights take memory that a small host does not have; there the plain method does.
        let room = checkpoints.reduce(0) { $0 + $1.memoryEstimate(batch: 1, width: $1.width, height: $1.height) }
        return CPUDevice(threads: threads, usesWinograd: room <= memory.bytes)
    }

    /// What these checkpoints take while nothing is generated.
    private static func loaded(_ checkpoints: [Checkpoint], _ device: CPUDevice) -> Int {
        checkpoints.reduce(0) {
            $0
                + $1.memoryEstimate(
                    batch: 1, width: $1.autoencoder.factor, height: $1.autoencoder.factor,
                    usesWinograd: device.usesWinograd)
        }
    }
}
