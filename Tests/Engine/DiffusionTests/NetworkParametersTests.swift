// The weights of a loaded checkpoint, by their names in its files.

import Networks
import Tensors
import Testing
import Weights

@testable import Diffusion

@Suite struct NetworkParametersTests {
    private func names(_ folder: String, _ file: String) throws -> Set<String> {
        Set(try WeightFile(path: "\(folder)/\(file)").entries.keys)
    }

    @Test(arguments: GoldenModel.allCases)
    func eachNetworkListsTheTensorsOfItsFileOnce(_ model: GoldenModel) throws {
        let pipeline = try model.pipeline()
        let networks: [(any ParameterizedNetwork, String)] = [
            (pipeline.textEncoder, "text_encoder/model.safetensors"),
            (pipeline.unet, "unet/diffusion_pytorch_model.safetensors"),
            (pipeline.autoencoder, "vae/diffusion_pytorch_model.safetensors"),
        ]
        for (network, file) in networks {
            let listed = network.parameters.map(\.name)
            // All but what no network needs.
            let expected = try names(model.folder, file).filter { !$0.hasSuffix("position_ids") }
            #expect(Set(listed) == expected && listed.count == expected.count, "\(file)")
            #expect(network.parameters.allSatisfy { $0.tensor.shape == $0.shape })
        }
        #expect(try model.pipeline().unet.parameters.map(\.name) == pipeline.unet.parameters.map(\.name))
        #expect(pipeline.unet.parameters.map(\.name).first == "time_embedding.linear_1.weight")
    }

    @Test func olderNamesAreListedAsTheFileHasThem() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.rewrite("vae/diffusion_pytorch_model.safetensors") { entry in
            var entry = entry
            entry.name = entry.name.replacing(".to_q.", with: ".query.")
            if entry.name.hasSuffix("query.weight") { entry.shape += [1, 1] }
            return entry
        }
        let pipeline = try LayoutToImagePipeline.load(
            checkpoint: Checkpoint(folder: copy.folder), device: TestDevice.shared)
        let name = "decoder.mid_block.attentions.0.query.weight"
        let parameter = try #require(pipeline.autoencoder.parameters[name])
        #expect(parameter.storedShape == parameter.shape + [1, 1])
    }

    @Test(arguments: [
        // A 3x3 convolution, a linear layer, a scale and a key of a text.
        "conv_in.weight", "mid_block.attentions.0.proj_out.weight", "conv_norm_out.bias",
        "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight",
    ])
    func aReplacedParameterChangesThePredictionAndTheOldOneBringsItBack(_ name: String) throws {
        let unet = try GoldenModel.sd1.pipeline().unet
        let text = try GoldenModel.sd1.tensor("text.hidden").batch(0..<1)
        let latents = Tensor(
            GaussianNoise.latents(seed: 5, shape: [8, 8, 4]), shape: [1, 8, 8, 4], device: text.device)
        func prediction() throws -> [Float] {
            try unet(latents, timesteps: [500], context: unet.context(text: text)).floats()
        }
        let before = try prediction()
        let old = try #require(unet.parameters[name]).tensor
        let values = try old.floats()
        try unet.parameters.replace(
            name, with: Tensor(values.map { 1 - $0 }, shape: old.shape, device: old.device))
        let changed = try prediction()
        #expect(changed != before && changed.allSatisfy(\.isFinite))
        // The same numbers in other memory, then the tensor itself.
        try unet.parameters.replace(name, with: Tensor(values, shape: old.shape, device: old.device))
        #expect(try prediction() == before)
        try unet.parameters.replace(name, with: old)
        #expect(try prediction() == before)
    }

    @Test func aParameterOfAnotherShapeIsRefused() throws {
        let unet = try GoldenModel.sd1.pipeline().unet
        let shape = try #require(unet.parameters["conv_in.weight"]).shape
        let turned = Tensor(repeating: 0, shape: shape.reversed(), device: TestDevice.shared)
        let error = try #require(throws: ParameterError.self) {
            try unet.parameters.replace("conv_in.weight", with: turned)
        }
        #expect(error == .shape(name: "conv_in.weight", expected: shape, found: shape.reversed()))
    }
}
