// What a program's ready line says about it.

public import Digests
import Foundation
public import Tasks

/// What a program is and makes, as its `ready` line says; it says the same at every start.
public struct ProgramFacts: Sendable, Hashable {
    /// The generator's name: what `--generator` of the producer names.
    public var name: String
    /// SHA-256 over its checkpoint, where it has one.
    public var checkpoint: SHA256Digest?
    /// Equal classes give equal images for equal seeds.
    public var deviceClass: String
    /// The sizes that it makes.
    public var sizes: ProgramSizes
    /// The most tasks of one batch.
    public var batch: Int

    /// What it serves.
    public var capability: Capability { Capability(generator: name, checkpointDigest: checkpoint?.hex) }

    /// Reads the `ready` line.
    /// - Throws: one clear line about the first thing that is wrong.
    init(decoding line: ReadyLine) throws(LineRefusal) {
        guard line.version == ProgramProtocol.version else {
            throw LineRefusal(
                "ready line: expected version \(ProgramProtocol.version) of the protocol, found \(line.version); use the "
                    + "program's release for this worker")
        }
        guard GeneratorName.isValid(line.name), !GeneratorName.builtIn.contains(line.name) else {
            throw LineRefusal(
                "ready line: expected a name of \(GeneratorName.rule), not a built-in generator's ("
                    + "\(GeneratorName.builtIn.joined(separator: ", "))), found \(quoted(line.name))")
        }
        let isPlain = line.device.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard (1...200).contains(line.device.utf8.count), isPlain else {
            throw LineRefusal(
                "ready line: expected a device class of 1 to 200 bytes without control characters, found "
                    + quoted(line.device))
        }
        guard (1...ProgramProtocol.batchLimit).contains(line.batch) else {
            throw LineRefusal(
                "ready line: expected a batch limit from 1 to \(ProgramProtocol.batchLimit), found \(line.batch)")
        }
        name = line.name
        deviceClass = line.device
        batch = line.batch
        checkpoint = try Self.checkpoint(line.checkpoint)
        sizes = try Self.sizes(line.sizes)
    }

    private static func checkpoint(_ text: String?) throws(LineRefusal) -> SHA256Digest? {
        guard let text else { return nil }
        guard let digest = SHA256Digest(hex: text), digest.hex == text else {
            throw LineRefusal(
                "ready line: expected a checkpoint of 64 lower-case hexadecimal digits, found \(quoted(text))")
        }
        return digest
    }

    private static func sizes(_ line: ReadyLine.Sizes) throws(LineRefusal) -> ProgramSizes {
        switch line {
        case .word("any"): return .any
        case .word(let word): throw LineRefusal("ready line: expected sizes \"any\" or a list, found \(quoted(word))")
        case .list(let texts):
            var sizes: [ProgramSizes.Size] = []
            for text in texts {
                guard let size = ProgramSizes.Size(parsing: text) else {
                    throw LineRefusal(
                        "ready line: expected sizes such as \"512x512\", multiples of 8 up to 4096, found \(quoted(text))"
                    )
                }
                sizes.append(size)
            }
            guard !sizes.isEmpty else {
                throw LineRefusal("ready line: expected at least one size, found an empty list")
            }
            return .listed(sizes)
        }
    }
}

/// The line `ready` as it is written.
struct ReadyLine: Decodable, Sendable {
    enum Sizes: Decodable, Sendable {
        case word(String)
        case list([String])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let word = try? container.decode(String.self) {  // Else it must be a list, or that error is thrown.
                self = .word(word)
            } else {
                self = .list(try container.decode([String].self))
            }
        }
    }

    var version: Int
    var name: String
    var checkpoint: String?
    var device: String
    var sizes: Sizes
    var batch: Int
}

extension ProgramFacts {
    /// One line for people.
    var summary: String {
        "\(capability) on \(deviceClass), sizes \(sizes), batches of \(batch)"
    }
}
