// One model of a checkpoint, as its files describe it.

import ErrorLines
public import Weights

/// Facts about a checkpoint's text encoder, U-Net or autoencoder, known from the headers of its weight files.
public struct CheckpointPart: Sendable {
    /// The part's folder: `text_encoder`, `unet` or `vae`.
    public let name: String
    /// The class that model_index.json names, for example `UNet2DConditionModel`.
    public let className: String
    /// Weight files, relative to the checkpoint's folder.
    public let files: [String]
    /// How many tensors the files hold.
    public let tensors: Int
    /// How many numbers the tensors hold, counters and positions left out.
    public let parameters: Int
    /// Bytes of all tensors as they are stored.
    public let bytes: Int
    /// Number formats, each with the bytes stored in it.
    public let formats: [NumberFormat: Int]
    /// The opened files.
    let weights: WeightSet

    /// Opens the weight files in the part's folder that `library` would load.
    init(_ name: String, className: String, in folder: String, library: WeightLibrary) throws(CheckpointError) {
        let weights: WeightSet
        do {
            weights = try WeightSet(folder: "\(folder)/\(name)", library: library)
        } catch {
            throw CheckpointError(error.code == .missing || error.code == .file ? .file : .weights, "\(error)")
        }
        let entries = weights.files.flatMap(\.entries.values)
        self.name = name
        self.className = className
        self.weights = weights
        files = weights.files.map { String($0.path.dropFirst(folder.count + 1)) }
        tensors = entries.count
        parameters = entries.filter(\.format.isFractional).reduce(0) { $0 + $1.count }
        bytes = entries.reduce(0) { $0 + $1.byteCount }
        formats = Dictionary(entries.map { ($0.format, $0.byteCount) }, uniquingKeysWith: +)
    }
}
