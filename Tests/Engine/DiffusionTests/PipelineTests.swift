// Whole generations: figures, failures, batches and stopping.

import Foundation
import Pixels
import Tensors
import Testing

@testable import Diffusion

@Suite struct PipelineTests {
    /// The golden prompt's ids, so that these tests need not trust the tokenizer.
    private static func request(_ model: GoldenModel, seed: UInt64 = 7) throws -> ImageRequest {
        ImageRequest(prompt: .tokens(try model.integers("text.ids")[0]), seed: seed)
    }

    private static func size(_ pipeline: LayoutToImagePipeline) -> (width: Int, height: Int) {
        (11 * pipeline.checkpoint.autoencoder.factor, 9 * pipeline.checkpoint.autoencoder.factor)
    }

    @Test(arguments: GoldenModel.allCases, [5, 50])
    func samplingGivesTheRecordedLatentsAndPicture(model: GoldenModel, steps: Int) throws {
        for device in TestDevice.golden {
            try compare(model.pipeline(on: device), model, steps: steps)
        }
    }

    private func compare(_ pipeline: LayoutToImagePipeline, _ model: GoldenModel, steps: Int) throws {
        let device = pipeline.device.facts
        let (width, height) = Self.size(pipeline)
        var request = try Self.request(model)
        request.initialLatents = LatentOrder.channelsFirst(try model.tensor("sample.initial").floats(), channels: 4)
        let results = try pipeline.generate([request], width: width, height: height, steps: steps, guidance: 3.5)
        let picture = try #require(results.first).get()
        let expected = try model.tensor("sample.\(steps).latents").floats()
        let error = relativeError(LatentOrder.channelsLast(picture.latents, channels: 4), expected)
        print("relative error of \(model) latents after \(steps) steps on \(device.name): \(error)")
        // Guidance multiplies the error of a prediction.
        #expect(error <= 10 * pipeline.device.goldenLimit, "\(device.name)")
        #expect(picture.latentShape == [1, 4, 9, 11])
        guard steps == 50 else { return }
        let image = try model.tensor("sample.50.image").floats().map { ($0 * 255).rounded(.toNearestOrEven) }
        let differences = zip(picture.image.pixels, image).map { abs(Float($0) - $1) }
        #expect(picture.image.pixels.count == image.count)
        print(
            "pixels of \(model) on \(device.name): at most \(differences.max()!) off, \(differences.count { $0 > 0 }) at all"
        )
        guard device.bytesPerNumber == 4 else {
            #expect(differences.reduce(0, +) / Float(differences.count) <= 2, "the same picture, on \(device.name)")
            return
        }
        #expect(differences.allSatisfy { $0 <= 1 }, "no pixel is off by more than one")
        #expect(differences.filter { $0 > 0 }.count * 1000 <= image.count, "and few are at all")
    }

    /// Noise, solver and prompt are the engine's own, so a task's picture is the same to the eye wherever it is made.
    @Test func aTaskGivesTheSamePictureOnEveryDevice() throws {
        let requests = (0..<3).map {
            ImageRequest(prompt: "An image with dog <l1> <l60> [hard]", seed: 40 + UInt64($0))
        }
        func pictures(_ device: any Device) throws -> [Picture] {
            try GoldenModel.sd1.pipeline(on: device).generate(requests, width: 64, height: 40, steps: 8, guidance: 3.5)
                .map { try $0.get() }
        }
        let expected = try pictures(TestDevice.shared)
        for device in TestDevice.golden.dropFirst() {
            for (found, expected) in zip(try pictures(device), expected) {
                let differences = zip(found.image.pixels, expected.image.pixels).map { abs(Int($0) - Int($1)) }
                let mean = Double(differences.reduce(0, +)) / Double(differences.count)
                print("a picture of \(device.facts.name): \(differences.max()!) off at most, \(mean) on average")
                #expect(mean <= (device.facts.bytesPerNumber == 4 ? 0.01 : 2), "\(device.facts.name)")
            }
            #expect(expected[0] != expected[1])
        }
    }

    @Test(arguments: GoldenModel.allCases, [1, 3.5] as [Float])
    func aPictureIsTheSameInEveryBatch(model: GoldenModel, guidance: Float) throws {
        let pipeline = try model.pipeline()
        let (width, height) = Self.size(pipeline)
        let empty = ImageRequest(prompt: .tokens(try model.integers("text.ids")[1]), seed: 1)
        let requests = [empty, try Self.request(model, seed: 2), try Self.request(model, seed: 3)]
        func pictures(_ requests: [ImageRequest]) throws -> [Picture] {
            try pipeline.generate(requests, width: width, height: height, steps: 3, guidance: guidance).map {
                try $0.get()
            }
        }
        let together = try pictures(requests)
        for (request, picture) in zip(requests, together) { #expect(try pictures([request]) == [picture]) }
        #expect(try pictures(requests.reversed()) == together.reversed())
        #expect(together[1] != together[2])
    }

    @Test func theSeedIsTheNoiseAndTheEmptyPromptIsTheTokenizers() throws {
        let pipeline = try GoldenModel.sd1.pipeline()
        let shape = [4, 4, 4]
        let noise = LatentOrder.channelsFirst(GaussianNoise.latents(seed: 5, shape: shape), channels: 4)
        let results = try pipeline.generate(
            [ImageRequest(prompt: "", seed: 5), ImageRequest(prompt: "", seed: 6, initialLatents: noise)],
            width: 32, height: 32, steps: 2, guidance: 1)
        #expect(try results[0].get() == results[1].get())
    }

    @Test func aFailureStaysWithItsTask() throws {
        let pipeline = try GoldenModel.sd1.pipeline()
        let good = try Self.request(.sd1)
        let vocabulary = pipeline.checkpoint.textEncoder.vocabularySize
        let requests = [
            ImageRequest(prompt: .tokens(Array(repeating: 5, count: 78)), seed: 0), good,
            ImageRequest(prompt: .tokens([0, vocabulary, 2]), seed: 0),
            ImageRequest(prompt: good.prompt, seed: 0, initialLatents: [1, 2]),
            // Finite, and overflows in the first layer.
            ImageRequest(prompt: good.prompt, seed: 0, initialLatents: Array(repeating: 3e38, count: 64)),
        ]
        let results = try pipeline.generate(requests, width: 32, height: 32, steps: 2, guidance: 3.5)
        let alone = try pipeline.generate([good], width: 32, height: 32, steps: 2, guidance: 3.5)
        #expect(try results[1].get() == alone[0].get())
        let failures = results.map { result -> GenerationError? in
            if case .failure(let error) = result { error } else { nil }
        }
        let codes: [GenerationError.Code?] = [.prompt, nil, .prompt, .options, .notFinite]
        #expect(failures.map { $0?.code } == codes)
        #expect(failures[0]?.description.contains("78 tokens") == true)
        #expect(failures[2]?.description.contains("token \(vocabulary)") == true)
        #expect(failures[3]?.description.contains("64") == true)
        #expect(failures[4]?.description.contains("step 1 of 2") == true)
    }

    @Test func aBatchInWhichAllFailEndsEarly() throws {
        let request = ImageRequest(
            prompt: .tokens([0, 2]), seed: 0, initialLatents: Array(repeating: 3e38, count: 64))
        var steps: [Int] = []
        let results = try GoldenModel.sd1.pipeline().generate(
            [request], width: 32, height: 32, steps: 20, guidance: 3.5
        ) { step, _ in steps.append(step) }
        #expect(steps == [1])
        #expect(throws: GenerationError.self) { try results[0].get() }
    }

    @Test func onStepIsToldEachStepAndCanEndTheBatch() throws {
        struct Stop: Error {}
        let pipeline = try GoldenModel.sd1.pipeline()
        var steps: [[Int]] = []
        func generate(until last: Int) throws {
            _ = try pipeline.generate([Self.request(.sd1)], width: 32, height: 32, steps: 4, guidance: 3.5) {
                steps.append([$0, $1])
                if $0 == last { throw Stop() }
            }
        }
        try generate(until: 9)
        #expect(steps == [[1, 4], [2, 4], [3, 4], [4, 4]])
        steps = []
        #expect(throws: Stop.self) { try generate(until: 2) }
        #expect(steps == [[1, 4], [2, 4]])
    }

    /// A step of a large batch takes minutes: whoever drains does not wait for its end, nor for a decoding's.
    @Test func aBatchEndsBetweenTwoLayers() throws {
        struct Stop: Error {}
        let pipeline = try GoldenModel.sd1.pipeline()
        var (steps, checks, checksOfSteps) = (0, 0, [0])
        func generate(until last: Int) throws {
            (steps, checks, checksOfSteps) = (0, 0, [0])
            _ = try pipeline.generate(
                [Self.request(.sd1)], width: 32, height: 32, steps: 3, guidance: 3.5,
                onStep: { step, _ in
                    steps = step
                    checksOfSteps.append(checks)
                },
                check: {
                    checks += 1
                    if checks == last { throw Stop() }
                })
        }
        try generate(until: .max)
        let (all, ofSteps) = (checks, checksOfSteps)
        let unet = pipeline.unet
        let transformers =
            unet.downBlocks.flatMap(\.transformers).count + 1 + unet.upBlocks.flatMap(\.transformers).count
        #expect(zip(ofSteps, ofSteps.dropFirst()).allSatisfy { $1 - $0 > 3 * transformers }, "within each step")
        #expect(all - ofSteps[3] > 2 * pipeline.autoencoder.decoder.levels.count, "and within the decoding")
        for (last, done) in [(1, 0), (ofSteps[1], 0), (ofSteps[1] + 5, 1), (ofSteps[3], 2), (all, 3)] {
            #expect(throws: Stop.self) { try generate(until: last) }
            #expect(checks == last && steps == done)
        }
    }

    @Test func optionsThatDoNotFitAreRefused() throws {
        let pipeline = try GoldenModel.sd1.pipeline()
        for (width, height, steps) in [(33, 32, 2), (32, 0, 2), (32, 32, 0), (32, 32, 1000)] {
            #expect(throws: GenerationError.self) {
                try pipeline.generate([], width: width, height: height, steps: steps, guidance: 3.5)
            }
        }
        #expect(try pipeline.generate([], width: 32, height: 32, steps: 2, guidance: 3.5).isEmpty)
    }

    @Test func pixelsAreClippedAndHalvesRoundToEven() {
        // 0 is exactly 127.5 of 255.
        let values: [Float] = [-2, -1, 0, 1, 2, 2 / 255 - 1, 3.4 / 127.5 - 1]
        #expect(values.map(LayoutToImagePipeline.pixel) == [0, 0, 128, 255, 255, 1, 3])
    }

    @Test func latentsChangeOrderThereAndBack() {
        let first: [Float] = [1, 2, 3, 10, 20, 30]
        #expect(LatentOrder.channelsLast(first, channels: 2) == [1, 10, 2, 20, 3, 30])
        #expect(LatentOrder.channelsFirst([1, 10, 2, 20, 3, 30], channels: 2) == first)
    }
}
