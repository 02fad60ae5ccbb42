// The networks, stage by stage, against what diffusers and transformers computed.

import Tensors
import Testing

@testable import Diffusion

@Suite struct NetworkGoldenTests {
    @Test(arguments: GoldenModel.allCases)
    func textEncoderGivesTheRecordedHiddenStates(model: GoldenModel) throws {
        for device in TestDevice.golden {
            let found = try model.pipeline(on: device).textEncoder(model.integers("text.ids"))
            try expectClose(
                found, try model.tensor("text.hidden"), within: device.goldenLimit,
                "\(model) text on \(device.facts.name)")
        }
    }

    @Test(arguments: GoldenModel.allCases, ["even", "odd"])
    func unetGivesTheRecordedPredictions(model: GoldenModel, size: String) throws {
        for device in TestDevice.golden {
            let unet = try model.pipeline(on: device).unet
            let found = unet(
                try model.tensor("unet.\(size).latents", device: device),
                timesteps: try model.integers("unet.\(size).timesteps").flatMap(\.self),
                context: unet.context(text: try model.tensor("text.hidden", device: device)))
            try expectClose(
                found, try model.tensor("unet.\(size).output"), within: device.goldenLimit,
                "\(model) unet \(size) on \(device.facts.name)")
        }
    }

    @Test(arguments: GoldenModel.allCases)
    func autoencoderDecodesAsRecorded(model: GoldenModel) throws {
        for device in TestDevice.golden {
            let latents = try model.tensor("vae.latents", device: device)
            try expectClose(
                model.pipeline(on: device).autoencoder.decode(latents), try model.tensor("vae.decoded"),
                within: device.goldenLimit, "\(model) decode on \(device.facts.name)")
        }
    }

    @Test(arguments: GoldenModel.allCases)
    func autoencoderEncodesAsRecorded(model: GoldenModel) throws {
        for device in TestDevice.golden {
            let found = try model.pipeline(on: device).autoencoder.encode(model.tensor("vae.image", device: device))
            let moments = try LatentDistribution(moments: model.tensor("vae.moments"))
            #expect(found.shape == moments.shape)
            let error = relativeError(found.mean + found.logVariance, moments.mean + moments.logVariance)
            print("relative error of \(model) encode on \(device.facts.name): \(error)")
            #expect(error <= device.goldenLimit, "\(device.facts.name)")
        }
    }

    /// A network without keys and values for texts predicts what the whole one does, from the whole one's context: steps
    /// do not compute them again.
    @Test func keysAndValuesOfTheTextAreComputedOnceForAllSteps() throws {
        let copy = try CheckpointCopy(.sd1)
        try copy.rewrite("unet/diffusion_pytorch_model.safetensors") { entry in
            let isOfText = entry.name.contains(".attn2.to_k.") || entry.name.contains(".attn2.to_v.")
            return .init(name: entry.name, shape: entry.shape, values: entry.values.map { isOfText ? 0 : $0 })
        }
        let whole = try GoldenModel.sd1.pipeline().unet
        let emptied = try LayoutToImagePipeline.load(
            checkpoint: Checkpoint(folder: copy.folder), device: TestDevice.shared
        ).unet
        let latents = try GoldenModel.sd1.tensor("unet.odd.latents")
        let text = try GoldenModel.sd1.tensor("text.hidden")
        let context = whole.context(text: text)
        for timesteps in [[999, 41], [500, 1]] {
            let expected = try whole(latents, timesteps: timesteps, context: context).floats()
            #expect(try emptied(latents, timesteps: timesteps, context: context).floats() == expected)
            #expect(
                try emptied(latents, timesteps: timesteps, context: emptied.context(text: text)).floats() != expected)
        }
    }

    @Test(arguments: GoldenModel.allCases)
    func aSampleIsPredictedTheSameInEveryBatch(model: GoldenModel) throws {
        let unet = try model.pipeline().unet
        let latents = try model.tensor("unet.odd.latents")
        let text = try model.tensor("text.hidden")
        let together = unet(latents, timesteps: [41, 41], context: unet.context(text: text))
        for index in 0..<2 {
            let range = index..<index + 1
            let alone = unet(
                latents.batch(range), timesteps: [41], context: unet.context(text: text.batch(range)))
            #expect(try alone.floats() == together.batch(range).floats())
        }
    }

    /// Guidance's two texts for each sample: what comes before the texts is computed once, and the predictions are those of samples
    /// that are computed apart, with few positions and with so many that samples go through transformers one by one.
    @Test(arguments: GoldenModel.allCases, [[5, 7], [40, 56]])
    func severalTextsOfASampleGiveAPredictionEach(model: GoldenModel, sides: [Int]) throws {
        let unet = try model.pipeline().unet
        let text = try model.tensor("text.hidden")
        let texts = Tensor.concatenatingBatches([0, 1, 1, 0, 1, 1].map { text.batch($0..<$0 + 1) })
        let shape = [3] + sides + [4]
        let latents = Tensor(GaussianNoise.latents(seed: 5, shape: shape), shape: shape, device: text.device)
        let together = unet(latents, timesteps: [41, 999, 7], context: unet.context(text: texts))
        let apart = unet(
            latents.repeatingEach(to: 6), timesteps: [41, 41, 999, 999, 7, 7], context: unet.context(text: texts))
        #expect(together.shape == [6] + sides + [4])
        #expect(try together.floats() == apart.floats())
        #expect(try together.batch(0..<1).floats() != together.batch(1..<2).floats())
    }

    @Test func samplesOfManyPositionsTakeTheirOwnTextThroughTheTransformers() throws {
        let unet = try GoldenModel.sd1.pipeline().unet
        let text = try GoldenModel.sd1.tensor("text.hidden")
        let texts = Tensor.concatenatingBatches([0, 1, 1, 0, 1].map { text.batch($0..<$0 + 1) })
        let latents = Tensor(
            GaussianNoise.latents(seed: 3, shape: [5, 40, 56, 4]), shape: [5, 40, 56, 4], device: text.device)
        let timesteps = [41, 500, 41, 999, 7]
        let together = unet(latents, timesteps: timesteps, context: unet.context(text: texts))
        for index in 0..<5 {
            let range = index..<index + 1
            let alone = unet(
                latents.batch(range), timesteps: [timesteps[index]], context: unet.context(text: texts.batch(range))
            )
            #expect(try alone.floats() == together.batch(range).floats())
        }
    }
}
