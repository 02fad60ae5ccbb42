// The weight files of a checkpoint while they are used.

import Weights

extension Checkpoint {
    /// The opened files of all parts.
    var weightFiles: [WeightFile] { parts.flatMap(\.weights.files) }

    /// Refuses to go on where weights that were read did not come from their files: what was computed is worth nothing.
    ///
    /// - Throws: ``CheckpointError`` for a file that was shortened, or that its disc does not give.
    func requireReadableWeights() throws(CheckpointError) {
        for file in weightFiles {
            do {
                try file.requireReadable()
            } catch {
                throw CheckpointError(.weights, error.description)
            }
        }
    }

    /// Refuses a result whose weights were touched since the checkpoint was opened; for a single result, which need not
    /// know whether they still hold what they held.
    ///
    /// - Throws: ``CheckpointError`` for a file that was written to or removed.
    public func requireUntouchedWeights() throws(CheckpointError) {
        try requireReadableWeights()
        for file in weightFiles where (try? file.currentIdentity()) != file.identity {
            throw CheckpointError(
                .weights,
                "\(file.path): expected a file that nobody writes, found it changed while it was used; try again, and "
                    + "replace such files by renaming others over them")
        }
    }
}
