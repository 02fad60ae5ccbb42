// The prompt that a checkpoint was trained to read.

public import Layouts

extension Checkpoint {
    /// A layout as a prompt in the checkpoint's template and bins.
    /// - Throws: ``CheckpointError`` for a checkpoint that knows no locations.
    public func prompt(for layout: Layout) throws(CheckpointError) -> String {
        template.prompt(for: layout, bins: try requireBins())
    }

    /// The grid of location tokens, which a layout needs.
    /// - Throws: ``CheckpointError`` for a checkpoint that knows no locations.
    public func requireBins() throws(CheckpointError) -> Bins {
        guard let bins else {
            throw CheckpointError(
                .unsupported,
                "\(folder): expected a layout-to-image checkpoint with num_bucket_per_side in generation_config.json, "
                    + "found none; give a checkpoint that was trained on layouts")
        }
        return bins
    }
}
