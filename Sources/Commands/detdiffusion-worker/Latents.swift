// Latents in a file, so that the same noise can be given to another implementation.

import Console
import Weights

/// One tensor `latents` `[1, channels, rows, columns]`.
struct Latents {
    let shape: [Int]
    let values: [Float]

    private static let name = "latents"

    init(shape: [Int], values: [Float]) {
        self.shape = shape
        self.values = values
    }

    /// Reads a safetensors file.
    init(path: String) throws {
        let file = try WeightFile(path: path)
        guard let entry = file.entries[Self.name], file.entries.count == 1, entry.shape.count == 4 else {
            throw CommandError(
                .data,
                "\(path): expected one tensor 'latents' [1, channels, rows, columns], found "
                    + file.entries.values.map { "'\($0.name)' \($0.shape)" }.sorted().prefix(5).joined(separator: ", "))
        }
        self.init(shape: entry.shape, values: file.floats(of: entry))
        try file.requireReadable()
    }

    /// Refuses latents of another image size.
    func require(channels: Int, _ size: PixelSize, factor: Int) throws {
        let expected = [1, channels, size.height / factor, size.width / factor]
        guard shape == expected else {
            throw CommandError(
                .usage,
                "--latents-in: expected \(expected) for an image of \(size.width)x\(size.height) pixels, found \(shape); "
                    + "give the --size they were made for")
        }
    }

    /// Writes a safetensors file.
    func write(to path: String) throws {
        try Safetensors.write([(name: Self.name, shape: shape, values: values)], to: path)
    }
}
