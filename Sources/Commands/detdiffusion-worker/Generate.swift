// `generate`: one image from a layout file, without any server.

public import ArgumentParser
import Console
import Diffusion
import Files
import Foundation
public import Layouts
import Pixels
import Weights

extension Strategy: ExpressibleByArgument {}

struct Generate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes one image from a layout file with a checkpoint; asks no server.")

    @Option(help: ArgumentHelp("A checkpoint folder as diffusers writes it.", valueName: "dir"))
    var checkpoint: String

    @Option(
        help: ArgumentHelp(
            #"{"width":W,"height":H,"objects":[{"category":"person","bbox":[x,y,w,h],"attribute":"hard"}]}"#,
            valueName: "file"))
    var layout: String

    @Option(help: ArgumentHelp("Where the PNG goes.", valueName: "file"))
    var image: String?

    @Option(help: "origin (the layout's own attributes), hard or easy.")
    var strategy: Strategy = .origin

    @Option(help: "Denoising steps.")
    var steps = UsualSampling.steps

    @Option(help: "Classifier-free guidance scale.")
    var guidance = UsualSampling.guidance

    @Option(help: "Seed of the initial noise.")
    var seed: UInt64 = 0

    @Option(help: "Image size, width x height; multiples of 8. Default: what the checkpoint was trained with.")
    var size: PixelSize?

    @Option(
        help: ArgumentHelp("Initial noise: a safetensors file with `latents` [1, 4, rows, columns].", valueName: "file")
    )
    var latentsIn: String?

    @Option(help: ArgumentHelp("Where the final latents go, as in --latents-in.", valueName: "file"))
    var latentsOut: String?

    @Flag(help: "Draw the layout's boxes over the image.")
    var boxes = false

    @Flag(help: "Show the prompt and its token ids; without --image, that is all.")
    var printPrompt = false

    @OptionGroup var engine: EngineOptions

    func run() async throws {
        try await reporting("detdiffusion-worker") {
            let checkpoint = try Checkpoint(folder: checkpoint)
            let layout = try Layout(file: layout, strategy: strategy)
            let prompt = try checkpoint.prompt(for: layout)
            if printPrompt { try show(prompt, checkpoint.tokenizer) }
            guard let image else {
                guard printPrompt, latentsOut == nil else {
                    throw CommandError(.usage, "--image: expected where the PNG goes, found none")
                }
                return
            }
            // Asked before minutes of computing.
            for path in [image, latentsOut].compactMap({ $0 }) { try requireFolder(of: path) }
            let size = size ?? PixelSize(width: checkpoint.width, height: checkpoint.height)
            let picture = try await GenerationThread().run(try generation(of: prompt, checkpoint, size))
            if let latentsOut { try Latents(shape: picture.latentShape, values: picture.latents).write(to: latentsOut) }
            try write(picture.image, layout, to: image)
        }
    }

    private func show(_ prompt: String, _ tokenizer: CLIPTokenizer) throws {
        let tokens = tokenizer.encode(prompt)
        tell(prompt)
        tell("\(tokens.count) of \(tokenizer.maximumLength) tokens: \(tokens.map(String.init).joined(separator: " "))")
    }

    private func requireFolder(of path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue,
            FileManager.default.isWritableFile(atPath: folder)
        else {
            throw CommandError(.cannotWrite, "\(path): expected a folder that can be written, found none at \(folder)")
        }
    }

    /// Checks everything that can be checked before minutes of computing.
    private func generation(
        of prompt: String, _ checkpoint: Checkpoint, _ size: PixelSize
    ) throws -> SingleGeneration {
        guard (0...1000).contains(guidance) else {
            throw CommandError(.usage, "--guidance: expected a number from 0 to 1000, found \(guidance)")
        }
        guard (8...16384).contains(size.width), (8...16384).contains(size.height) else {
            throw CommandError(.usage, "--size: expected sides from 8 to 16384, found \(size.width)x\(size.height)")
        }
        let noise = try latentsIn.map { try Latents(path: $0) }
        try noise?.require(channels: checkpoint.autoencoder.latentChannels, size, factor: checkpoint.autoencoder.factor)
        let device = try engine.device()
        return SingleGeneration(
            checkpoint: checkpoint, request: ImageRequest(prompt: prompt, seed: seed, initialLatents: noise?.values),
            size: size, steps: steps, guidance: guidance, memory: try engine.budget(on: device), device: device)
    }

    private func write(_ image: Image, _ layout: Layout, to path: String) throws {
        var image = image
        if boxes {
            let frames = layout.boxes(inWidth: image.width, height: image.height)
            image.drawLabelledBoxes(
                zip(layout.objects, frames).enumerated().map { index, pair in
                    let (object, box) = pair
                    return LabelledBox(
                        rectangle: Rectangle(roundingX: box.x, y: box.y, width: box.width, height: box.height),
                        label: "\(object.category) \(object.attribute.rawValue)",
                        color: .distinct(index: object.categoryID == 0 ? index : object.categoryID, of: 91))
                })
        }
        let png = try image.png()
        do throws(FileFailure) {
            try WholeFile.write(png, to: path)
        } catch {
            throw CommandError(.cannotWrite, error.line)
        }
    }
}
