// The readers of whole folders: shards with their index, tokenizers, checkpoints.

import Diffusion
import Tensors
import Weights

extension Targets {
    /// An index beside two real shards.
    static let shardIndex = FuzzTarget(name: "shard-index") { bytes in
        shards.write(bytes, to: [shardName + ".safetensors.index.json"])
        let weights = try WeightSet(folder: shards.path, library: .diffusers)
        for name in weights.names {
            guard let (file, entry) = weights.find(name) else { preconditionFailure("tensors stand under their names") }
            expect(file.floats(of: entry).count == entry.count, "a tensor's numbers are all there")
        }
    }

    private static let shardName = "diffusion_pytorch_model"
    private static let shards = MemoryFolder("shards", copying: "Tests/Data/WeightsTests/Golden/shards")

    /// A tokenizer in several files; zero bytes separate them.
    static let tokenizerFolder = FuzzTarget(name: "tokenizer-folder") { bytes in
        tokenizerFiles.write(
            bytes,
            to: ["vocab.json", "merges.txt", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json"])
        check(try CLIPTokenizer(folder: tokenizerFiles.path), bytes)
    }

    private static let tokenizerFiles = MemoryFolder("tokenizer")

    /// The texts of a checkpoint whose weights and tokenizer are those of a real one; zero bytes separate them.
    static let checkpointFolder = FuzzTarget(name: "checkpoint-folder") { bytes in
        checkpoint.write(
            bytes,
            to: [
                "generation_config.json", "model_index.json", "unet/config.json", "vae/config.json",
                "text_encoder/config.json", "scheduler/scheduler_config.json",
            ])
        let found: Checkpoint
        do {
            found = try Checkpoint(folder: checkpoint.path)
        } catch let error as CheckpointError {
            for line in error.details { FuzzTarget.check(refusal: line) }
            throw error
        }
        let device = DeviceFacts(name: "fuzzed", positionsTogether: 2048)
        expect(found.width > 0 && found.height > 0, "a checkpoint has a size")
        let one = found.memoryEstimate(batch: 1, width: found.width, height: found.height, on: device)
        expect(one > found.weightBytes(on: device), "memory is for more than weights")
        let many = found.memoryEstimate(batch: 16, width: found.width, height: found.height, on: device)
        expect(many >= one, "a larger batch takes no less")
    }

    private static let checkpoint = MemoryFolder("checkpoint", copying: "Tests/Engine/DiffusionTests/Golden/sd1")
}
