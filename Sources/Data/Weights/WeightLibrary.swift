// How weight files are named, and which are taken where there are several.

/// The Python library that saves a part of a checkpoint, and decides which of its files are loaded.
///
/// Both name the file or the index of its shards, and a variant's between the name and its last
/// extension. Read in diffusers 0.42 (`ModelMixin.from_pretrained`, `_fetch_index_file`) and
/// transformers 5.23 (`_get_resolved_checkpoint_files`).
public enum WeightLibrary: Sendable, CaseIterable {
    /// U-Nets and autoencoders: an index counts before a whole file.
    case diffusers
    /// Text encoders: a whole file counts before an index.
    case transformers

    /// The names in the order in which they count: all files without a variant, as both libraries load by default, and
    /// then those of the variant `fp16`, the same weights in half precision.
    public var candidates: [String] {
        switch self {
        case .diffusers:
            let stem = "diffusion_pytorch_model"
            return [
                // Its own loader comes to the index of pickles only when told not to use safetensors.
                "\(stem).safetensors.index.json", "\(stem).safetensors", "\(stem).bin", "\(stem).bin.index.json",
                // The second form of an index is an older one, which it still reads.
                "\(stem).safetensors.index.fp16.json", "\(stem).safetensors.fp16.index.json",
                "\(stem).fp16.safetensors", "\(stem).fp16.bin", "\(stem).bin.index.fp16.json",
                "\(stem).bin.fp16.index.json",
            ]
        case .transformers:
            return [
                "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                "pytorch_model.bin.index.json", "model.fp16.safetensors", "model.safetensors.index.fp16.json",
                "pytorch_model.fp16.bin", "pytorch_model.bin.index.fp16.json",
            ]
        }
    }
}
