// Several checkpoints in one worker: one device, one budget.

public import Diffusion
public import Tensors

extension DiffusionGenerator {
    /// A generator for each checkpoint, in order. One of them computes at a time, so all share a device; all stay loaded,
    /// so each leaves room for the others' weights.
    ///
    /// - Parameters:
    ///   - checkpoints: the models.
    ///   - maximumBatch: the most tasks of one claim.
    ///   - memory: what all together may take.
    ///   - device: what computes.
    /// - Throws: ``Diffusion/CheckpointError`` when a checkpoint cannot be read, or not all can be loaded.
    public static func sharing(
        _ checkpoints: [Checkpoint], maximumBatch: Int, memory: MemoryBudget, device: any Device
    ) throws(CheckpointError) -> [DiffusionGenerator] {
        let weights = checkpoints.reduce(0) { $0 + $1.weightBytes(on: device.facts) }
        return try checkpoints.map { checkpoint throws(CheckpointError) in
            try DiffusionGenerator(
                checkpoint: checkpoint, maximumBatch: maximumBatch,
                memory: memory.less(weights - checkpoint.weightBytes(on: device.facts)), device: device)
        }
    }
}
