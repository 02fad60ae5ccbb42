// What to generate, and what came out.

public import Pixels

/// One picture to be made.
public struct ImageRequest: Sendable, Hashable {
    /// What the picture shows.
    public enum Prompt: Sendable, Hashable {
        /// Text, for the checkpoint's tokenizer.
        case text(String)
        /// Token ids with both marks; shorter ones are padded.
        case tokens([Int])
    }

    /// What the picture shows.
    public var prompt: Prompt
    /// Where the initial noise comes from.
    public var seed: UInt64
    /// Standard normal noise to begin with instead of the seed's, `[channels, rows, columns]`.
    public var initialLatents: [Float]?

    /// Asks for a picture of `prompt`.
    public init(prompt: Prompt, seed: UInt64, initialLatents: [Float]? = nil) {
        self.prompt = prompt
        self.seed = seed
        self.initialLatents = initialLatents
    }

    /// Asks for a picture of a text.
    public init(prompt: String, seed: UInt64, initialLatents: [Float]? = nil) {
        self.init(prompt: .text(prompt), seed: seed, initialLatents: initialLatents)
    }
}

/// A generated picture.
public struct Picture: Sendable, Equatable {
    /// What the U-Net left, before decoding: `[1, channels, rows, columns]`, as diffusers stores latents.
    public let latents: [Float]
    /// `[1, channels, rows, columns]`.
    public let latentShape: [Int]
    /// The decoded picture.
    public let image: Pixels.Image
}
