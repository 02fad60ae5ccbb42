// The image files of a program: only PNGs of exactly the size that was asked for come in.

import Pixels
import Tasks

/// Reads what a program left in its batch's folder.
enum ProgramImage {
    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// The largest file: 16 bits in four channels without compression, and room for metadata.
    static func byteLimit(width: Int, height: Int) -> Int { 8 * width * height + (1 << 20) }

    /// Reads and decodes a file.
    /// - Throws: ``LineRefusal`` naming the file, what was expected and what was found.
    static func read(
        _ name: String, in folder: ProgramFolder, specification: GenerateSpecification
    ) throws(LineRefusal) -> Image {
        let (width, height) = (specification.width, specification.height)
        let bytes = try folder.read(name, limit: byteLimit(width: width, height: height))
        guard let size = size(of: bytes) else {
            throw LineRefusal(
                "file \(quoted(name)): expected a PNG image, found \(bytes.count) bytes of something else")
        }
        // The header is looked at first: a small file can claim a hundred megapixels.
        guard size == (width, height) else {
            throw LineRefusal(
                "file \(quoted(name)): expected an image of \(width)x\(height) pixels, found \(size.width)x\(size.height)"
            )
        }
        do {
            return try Image(png: bytes)
        } catch {
            throw LineRefusal("file \(quoted(name)): \(error)")
        }
    }

    /// Width and height in a PNG's header (PNG specification, 11.2.2), or `nil` when it is no PNG.
    static func size(of bytes: [UInt8]) -> (width: Int, height: Int)? {
        guard bytes.count >= 33, Array(bytes[..<8]) == signature, Array(bytes[12..<16]) == Array("IHDR".utf8) else {
            return nil
        }
        func number(_ offset: Int) -> Int { bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) } }
        return (number(16), number(20))
    }
}
