// Which classes make up a checkpoint: model_index.json.

import JSON

/// The list of a pipeline's parts; only Stable Diffusion's text-to-image pipeline is read.
struct ModelIndex: Sendable, Hashable {
    /// The classes whose mathematics is written here, for each part that a checkpoint must have.
    static let classes: KeyValuePairs = [
        "text_encoder": ["CLIPTextModel"], "unet": ["UNet2DConditionModel"], "vae": ["AutoencoderKL"],
        "tokenizer": ["CLIPTokenizer", "CLIPTokenizerFast"],
    ]

    /// The class of each part, by the part's folder.
    let parts: [String: String]

    /// Throws when another pipeline, another class or no class is named for a part.
    init(_ file: ConfigurationFile) throws(CheckpointError) {
        try file.require("_class_name", .text("StableDiffusionPipeline"))
        var parts: [String: String] = [:]
        for (part, classes) in Self.classes {
            guard case .list(let entry) = file[part], entry.count == 2, case .text(let name) = entry[1] else {
                throw file.mistake(part, expected: "a library and a class")
            }
            guard classes.contains(name) else {
                throw file.unsupported(part, .text(name), expected: classes.joined(separator: " or "))
            }
            parts[part] = name
        }
        self.parts = parts
    }
}
