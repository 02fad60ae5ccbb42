// Which files of a folder make up a checkpoint: variants, indexes beside whole files, links that lead nowhere.

import Foundation
import Testing
import Weights

@testable import Diffusion

@Suite struct CheckpointFilesTests {
    private static let nothing = DigestCache(folder: nil)
    private static let unet = "unet/diffusion_pytorch_model"
    private static let encoder = "text_encoder/model"
    private static let vae = "vae/diffusion_pytorch_model"

    private static func move(_ file: String, to name: String, in copy: CheckpointCopy) throws {
        try FileManager.default.moveItem(atPath: "\(copy.folder)/\(file)", toPath: "\(copy.folder)/\(name)")
    }

    /// Puts an index and two shards in the place of a whole file.
    private static func shard(_ file: String, index: String, in copy: CheckpointCopy) throws {
        let whole = try WeightFile(path: "\(copy.folder)/\(file)")
        let names = whole.entries.keys.sorted()
        var map: [String: String] = [:]
        for (number, part) in [names.prefix(names.count / 2), names.suffix(names.count - names.count / 2)].enumerated()
        {
            let shard = "shard.fp16-0000\(number + 1)-of-00002.safetensors"
            let folder = index.split(separator: "/")[0]
            try Safetensors.write(
                part.map { name in
                    let entry = whole.entries[name]!
                    return (name, entry.shape, whole.floats(of: entry))
                }, to: "\(copy.folder)/\(folder)/\(shard)")
            for name in part { map[name] = shard }
        }
        let text = try JSONSerialization.data(withJSONObject: ["metadata": [:], "weight_map": map])
        try text.write(to: URL(fileURLWithPath: "\(copy.folder)/\(index)"))
        try copy.remove(file)
    }

    private static func picture(_ checkpoint: Checkpoint) throws -> Picture {
        try LayoutToImagePipeline.load(checkpoint: checkpoint, device: TestDevice.shared).generate(
            [ImageRequest(prompt: "An image with dog <l1> <l60> [hard]", seed: 3)], width: 64, height: 40, steps: 2,
            guidance: 3.5)[0].get()
    }

    /// The names that diffusers and transformers give with `save_pretrained(variant="fp16")`, whole and in shards, old
    /// and new, safetensors and pickles.
    @Test func aCheckpointThatHoldsOnlyTheVariantFp16Loads() throws {
        let copy = try CheckpointCopy(.sd1)
        try Self.move("\(Self.encoder).safetensors", to: "\(Self.encoder).fp16.safetensors", in: copy)
        try Self.shard("\(Self.unet).safetensors", index: "\(Self.unet).safetensors.index.fp16.json", in: copy)
        try copy.remove("\(Self.vae).safetensors")
        try FileManager.default.copyItem(
            atPath: Golden.folder.appending(path: "legacy/\(Self.vae).bin").path,
            toPath: "\(copy.folder)/\(Self.vae).fp16.bin")
        let checkpoint = try Checkpoint(folder: copy.folder)
        let files = [
            "text_encoder/model.fp16.safetensors", "unet/shard.fp16-00001-of-00002.safetensors",
            "unet/shard.fp16-00002-of-00002.safetensors", "vae/diffusion_pytorch_model.fp16.bin",
        ]
        #expect(checkpoint.parts.flatMap(\.files) == files)
        #expect(Set(files).isSubset(of: checkpoint.digestedFiles))
        #expect(try Self.picture(checkpoint) == Self.picture(Checkpoint(folder: GoldenModel.sd1.folder)))
    }

    @Test func theOlderNameOfAVariantsIndexIsRead() throws {
        let copy = try CheckpointCopy(.sd1)
        try Self.shard("\(Self.unet).safetensors", index: "\(Self.unet).safetensors.fp16.index.json", in: copy)
        #expect(try Checkpoint(folder: copy.folder).parts[1].files.count == 2)
    }

    /// Also where the plain file is a pickle and the variant's is not.
    @Test func plainFilesCountBeforeAVariants() throws {
        let copy = try CheckpointCopy(.sd1)
        let plain = try Checkpoint(folder: copy.folder).digest(cache: Self.nothing)
        try copy.write("no weights at all", to: "\(Self.encoder).fp16.safetensors")
        try copy.write("no weights at all", to: "\(Self.unet).fp16.safetensors")
        try copy.write("{}", to: "\(Self.unet).safetensors.index.fp16.json")
        #expect(try Checkpoint(folder: copy.folder).digest(cache: Self.nothing) == plain)
        try Self.move("\(Self.vae).safetensors", to: "\(Self.vae).fp16.safetensors", in: copy)
        try FileManager.default.copyItem(
            atPath: Golden.folder.appending(path: "legacy/\(Self.vae).bin").path,
            toPath: "\(copy.folder)/\(Self.vae).bin")
        #expect(try Checkpoint(folder: copy.folder).parts[2].files == ["vae/diffusion_pytorch_model.bin"])
    }

    /// Another training's shards beside the whole file of this one: the digest names what is loaded.
    @Test func aWholeFileBesideAnIndexIsLeftAloneAsInDiffusers() throws {
        let copy = try CheckpointCopy(.sd1)
        let whole = "\(copy.folder)/\(Self.unet).safetensors"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: whole))
        try Self.shard("\(Self.unet).safetensors", index: "\(Self.unet).safetensors.index.json", in: copy)
        let sharded = try Checkpoint(folder: copy.folder).digest(cache: Self.nothing)
        try bytes.write(to: URL(fileURLWithPath: whole))
        let checkpoint = try Checkpoint(folder: copy.folder)
        #expect(checkpoint.parts[1].files.allSatisfy { $0.hasPrefix("unet/shard") })
        #expect(try checkpoint.digest(cache: Self.nothing) == sharded)
    }

    @Test(arguments: [
        "model_index.json", "unet/config.json", "vae/config.json", "text_encoder/config.json",
        "scheduler/scheduler_config.json", "generation_config.json", "tokenizer/vocab.json", "tokenizer/merges.txt",
        "tokenizer/added_tokens.json", "tokenizer/special_tokens_map.json", "tokenizer/tokenizer_config.json",
        "tokenizer/tokenizer.json", "unet/diffusion_pytorch_model.safetensors",
        "unet/diffusion_pytorch_model.safetensors.index.json", "text_encoder/model.safetensors", "vae",
    ])
    func aLinkToAFileThatIsNotThereIsSaidToBeThat(file: String) throws {
        let copy = try CheckpointCopy(.sd1)
        try? copy.remove(file)
        try FileManager.default.createSymbolicLink(
            atPath: "\(copy.folder)/\(file)", withDestinationPath: "../../blobs/0a1b2c")
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(folder: copy.folder) }
        #expect(error?.code == .file)
        let says =
            "\(copy.folder)/\(file): expected a file or folder, found a link to '../../blobs/0a1b2c', which is not there"
        #expect(error?.description.hasPrefix(says) == true, "\(error?.description ?? "")")
    }

    /// A snapshot of a Hugging Face cache as it should be.
    @Test func linksThatLeadSomewhereAreFollowed() throws {
        let copy = try CheckpointCopy(.sd1)
        let expected = try Checkpoint(folder: copy.folder).digest(cache: Self.nothing)
        for file in ["generation_config.json", "\(Self.unet).safetensors", "tokenizer/vocab.json"] {
            let blob = "\(copy.folder)/blob-\(UUID())"
            try FileManager.default.moveItem(atPath: "\(copy.folder)/\(file)", toPath: blob)
            try FileManager.default.createSymbolicLink(atPath: "\(copy.folder)/\(file)", withDestinationPath: blob)
        }
        #expect(try Checkpoint(folder: copy.folder).digest(cache: Self.nothing) == expected)
    }
}
