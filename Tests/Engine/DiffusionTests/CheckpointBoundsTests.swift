// Sizes that no model has are refused where they are read, before anything is computed from them.

import Foundation
import Tensors
import Testing

@testable import Diffusion

struct CheckpointBoundsTests {
    private static let huge = "1048576"
    /// A file, a key, a value beyond its bound, and the key that the message names.
    private static let beyond: [(file: String, key: String, value: String)] = [
        ("unet/config.json", "sample_size", huge), ("unet/config.json", "sample_size", "[64, 4097]"),
        ("unet/config.json", "block_out_channels", "[\(huge), \(huge), \(huge), \(huge)]"),
        ("unet/config.json", "block_out_channels", "[16386, 8, 16, 16]"),
        ("unet/config.json", "block_out_channels", "[8, 8, 8, 8, 8, 8, 8, 8, 8]"),
        ("unet/config.json", "in_channels", huge), ("unet/config.json", "cross_attention_dim", huge),
        ("unet/config.json", "layers_per_block", "1001"),
        ("unet/config.json", "layers_per_block", "[1, 1, 1, \(huge)]"),
        // Each is allowed, all together are not.
        ("unet/config.json", "layers_per_block", "1000"), ("unet/config.json", "transformer_layers_per_block", "300"),
        ("unet/config.json", "transformer_layers_per_block", "1001"),
        ("unet/config.json", "attention_head_dim", huge), ("unet/config.json", "norm_num_groups", huge),
        ("text_encoder/config.json", "hidden_size", huge), ("text_encoder/config.json", "intermediate_size", huge),
        ("text_encoder/config.json", "num_hidden_layers", "1001"),
        ("text_encoder/config.json", "num_attention_heads", huge),
        ("text_encoder/config.json", "vocab_size", "1048577"),
        ("text_encoder/config.json", "max_position_embeddings", "1e300"),
        ("vae/config.json", "block_out_channels", "[\(huge)]"), ("vae/config.json", "latent_channels", huge),
        ("vae/config.json", "block_out_channels", "[2, 2, 2, 2, 2, 2, 2, 2, 2]"),
        ("vae/config.json", "layers_per_block", "1001"), ("vae/config.json", "norm_num_groups", huge),
        ("generation_config.json", "width", huge), ("generation_config.json", "height", "16385"),
        ("generation_config.json", "num_bucket_per_side", "[4097, 1]"),
    ]

    @Test(arguments: beyond)
    func aSizeBeyondItsBoundIsRefusedByName(file: String, key: String, value: String) throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.set(key, of: file, to: value)
        let error = try #require(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error.code == .content, "\(error.description)")
        #expect(error.description.contains("\(file): \(key): expected"), "\(error.description)")
    }

    /// The largest sizes that are read, in files whose weights say the same, would still be estimated.
    @Test func theLargestSizesLeaveEstimatesWithinAnInt() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.set("sample_size", of: "unet/config.json", to: "4096")
        let checkpoint = try Checkpoint(folder: copy.folder)
        #expect(checkpoint.width == 4096 * 8)
        #expect(
            checkpoint.memoryEstimate(
                batch: 1, width: checkpoint.width, height: checkpoint.height, on: DeviceFacts(name: "any")) > 1 << 32)
    }
}
