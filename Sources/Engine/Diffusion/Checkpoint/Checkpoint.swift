// A diffusers folder, looked at but not loaded.

import ErrorLines
import Foundation
public import Layouts
import Weights

/// A generator's checkpoint: a folder as diffusers saves it, with Stable Diffusion 1.x or 2.x inside.
///
/// Making one reads the configurations, the tokenizer and the headers of the weight files, and checks that they fit
/// together; no weight is read.
public struct Checkpoint: Sendable {
    /// The folder, as the caller gave it, without a slash at the end.
    public let folder: String
    /// Text encoder, U-Net and autoencoder.
    public let parts: [CheckpointPart]
    /// Prompts to tokens.
    public let tokenizer: CLIPTokenizer
    /// The text encoder's sizes.
    public let textEncoder: TextEncoderConfiguration
    /// The U-Net's sizes.
    public let unet: UNetConfiguration
    /// The autoencoder's sizes.
    public let autoencoder: AutoencoderConfiguration
    /// The noise schedule and the sampler.
    public let scheduler: SchedulerConfiguration
    /// The grid of location tokens; `nil` for a checkpoint that knows none.
    public let bins: Bins?
    /// The form of the prompts: what generation_config.json names, else ``Layouts/PromptTemplate/compact`` where the
    /// tokenizer has the attribute tokens, else ``Layouts/PromptTemplate/geodiffusion``.
    public let template: PromptTemplate
    /// Pixels across that the checkpoint was trained with.
    public let width: Int
    /// Pixels down that the checkpoint was trained with.
    public let height: Int
    /// The texts that were read.
    let texts: TextFiles

    /// Reads a folder's facts.
    ///
    /// - Throws: ``CheckpointError`` when a file is missing or damaged, the parts do not fit one another, or the
    ///   checkpoint is of a kind that is not computed here.
    public init(folder: String) throws(CheckpointError) {
        var folder = folder
        while folder.count > 1 && folder.hasSuffix("/") { folder.removeLast() }
        texts = try TextFiles(folder: folder)
        let index = try ModelIndex(ConfigurationFile(path: "\(folder)/model_index.json"))
        textEncoder = try TextEncoderConfiguration(path: "\(folder)/text_encoder/config.json")
        unet = try UNetConfiguration(path: "\(folder)/unet/config.json")
        autoencoder = try AutoencoderConfiguration(path: "\(folder)/vae/config.json")
        scheduler = try SchedulerConfiguration(path: "\(folder)/scheduler/scheduler_config.json")
        tokenizer = try CLIPTokenizer(folder: "\(folder)/tokenizer")
        parts = try Self.parts(index, folder)
        let generation =
            try ConfigurationFile.optional(path: "\(folder)/generation_config.json").map(GenerationConfiguration.init)
            ?? .empty
        self.folder = folder
        bins = generation.bins
        let knowsAttributes = [Attribute.easy, .hard, .background].allSatisfy { [tokenizer] in
            tokenizer.contains(token: $0.promptText)
        }
        template = generation.template ?? (knowsAttributes ? .compact : .geodiffusion)
        width = generation.width ?? unet.sampleColumns * autoencoder.factor
        height = generation.height ?? unet.sampleRows * autoencoder.factor
        try texts.requireUnchanged()
        try checkParts()
        try checkWeights()
    }

    private static func parts(_ index: ModelIndex, _ folder: String) throws(CheckpointError) -> [CheckpointPart] {
        var parts: [CheckpointPart] = []
        let libraries: KeyValuePairs<String, WeightLibrary> = [
            "text_encoder": .transformers, "unet": .diffusers, "vae": .diffusers,
        ]
        for (name, library) in libraries {
            let className = index.parts[name] ?? name
            parts.append(try CheckpointPart(name, className: className, in: folder, library: library))
        }
        return parts
    }

    /// Each file may be whole and still belong to another checkpoint.
    private func checkParts() throws(CheckpointError) {
        func refuse(_ expected: String, _ found: String) -> CheckpointError {
            CheckpointError(
                .content, "\(folder): expected \(expected), found \(found); take all parts from one checkpoint")
        }
        guard unet.textWidth == textEncoder.width else {
            throw refuse("unet/config.json with cross_attention_dim \(textEncoder.width)", "\(unet.textWidth)")
        }
        guard unet.latentChannels == autoencoder.latentChannels else {
            throw refuse("unet/config.json with in_channels \(autoencoder.latentChannels)", "\(unet.latentChannels)")
        }
        guard tokenizer.maximumLength <= textEncoder.positions else {
            throw refuse(
                "a tokenizer for at most \(textEncoder.positions) positions", "one for \(tokenizer.maximumLength)")
        }
        guard tokenizer.vocabularySize <= textEncoder.vocabularySize else {
            throw refuse("a tokenizer of at most \(textEncoder.vocabularySize) tokens", "\(tokenizer.vocabularySize)")
        }
        if let bins, !tokenizer.contains(token: "<l\(bins.count - 1)>") {
            throw refuse("the token <l\(bins.count - 1)> of \(bins) bins in the tokenizer", "none")
        }
    }
}
