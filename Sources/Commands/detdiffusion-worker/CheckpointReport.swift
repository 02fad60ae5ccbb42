// A checkpoint as `inspect` shows it.

import Console
import Diffusion
import Digests
import Handlers
import Layouts
import Tasks
import Tensors
import Weights

/// What a checkpoint folder holds, and how it is enqueued and served.
struct CheckpointReport: Encodable {
    /// Text encoder, U-Net or autoencoder.
    struct Part: Encodable {
        var name: String
        var className: String
        var tensors: Int
        var parameters: Int
        var bytes: Int
        var formats: [String]
        var files: [String]
    }

    var checkpoint: String
    var capability: String
    var template: String
    var bins: String?
    var tokens: Int
    var promptTokens: Int
    var size: String
    var parameters: Int
    var bytes: Int
    var memory: Int
    var parts: [Part]

    /// - Parameter device: what would compute.
    init(_ checkpoint: Checkpoint, on device: DeviceFacts) throws {
        let digest = try checkpoint.digest().hex
        self.checkpoint = digest
        capability = Capability(generator: GeneratorName.diffusion, checkpointDigest: digest).rawValue
        template = checkpoint.template.rawValue
        bins = checkpoint.bins?.description
        tokens = checkpoint.tokenizer.vocabularySize
        promptTokens = checkpoint.tokenizer.maximumLength
        size = "\(checkpoint.width)x\(checkpoint.height)"
        parts = checkpoint.parts.map { part in
            Part(
                name: part.name, className: part.className, tensors: part.tensors, parameters: part.parameters,
                bytes: part.bytes, formats: part.formats.keys.map(\.rawValue).sorted(), files: part.files)
        }
        parameters = parts.reduce(0) { $0 + $1.parameters }
        bytes = parts.reduce(0) { $0 + $1.bytes }
        memory = checkpoint.memoryEstimate(batch: 1, width: checkpoint.width, height: checkpoint.height, on: device)
    }

    var text: String {
        var table = Table("part", "class", "tensors", "parameters", "bytes", "format", "files")
        for part in parts {
            table.append(
                part.name, part.className, Format.count(part.tensors), Format.count(part.parameters),
                Format.bytes(part.bytes), part.formats.joined(separator: " "), part.files.joined(separator: " "))
        }
        return """
            \(table.text)

            checkpoint  \(checkpoint)
            capability  \(capability)
            parameters  \(Format.count(parameters)) in \(Format.bytes(bytes))
            template    \(template)
            bins        \(bins ?? "none: not trained on layouts")
            tokens      \(Format.count(tokens)), \(promptTokens) in a prompt
            size        \(size)
            memory      about \(Format.bytes(memory)) for one image of that size
            enqueue     --generator \(GeneratorName.diffusion) --checkpoint DIR
            provision   --generator \(capability)
            """
    }
}
