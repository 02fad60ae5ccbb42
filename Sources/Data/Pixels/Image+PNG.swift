// Reading and writing PNG. libpng itself is driven in C (CPNG/shim.h): whole buffers go in and come out here.

import CPNG
import Foundation

/// How much work goes into making a PNG small; pixels are the same either way.
public enum PNGCompression: String, Sendable, CaseIterable {
    /// zlib level 1, run lengths only, sub filter: about fifteen times as quick as ``small``.
    case fast
    /// zlib level 6, every row's best filter.
    case small
}

extension Image {
    /// Decodes a PNG: gray, palette, RGB, with or without alpha, 1 to 16 bits a channel, interlaced or not.
    ///
    /// An alpha channel is dropped and 16 bits are scaled to 8; gamma and colour profiles are not applied. Throws
    /// `.malformed` for bytes that are not one whole PNG and `.tooLarge` beyond ``pixelLimit``.
    public init(png bytes: [UInt8]) throws(PixelError) {
        let name = "a PNG of \(bytes.count) bytes"
        var state = unsafe pixels_png()
        defer { unsafe free(state.bytes) }
        let status = unsafe bytes.withUnsafeBufferPointer { input in
            unsafe pixels_png_decode(&state, input.baseAddress, input.count, UInt64(Self.pixelLimit))
        }
        let (width, height) = unsafe (Int(state.width), Int(state.height))
        if status == PIXELS_PNG_TOO_LARGE {
            throw PixelError(
                .tooLarge,
                "cannot decode \(name): it is \(width)x\(height), expected at most \(Self.pixelLimit) pixels;"
                    + " scale it down first")
        }
        guard status == PIXELS_PNG_OK, let decoded = unsafe state.bytes else {
            throw PixelError(
                .malformed, "cannot decode \(name): expected one whole PNG, but \(unsafe Self.message(of: state))")
        }
        let pixels = unsafe [UInt8](UnsafeBufferPointer(start: decoded, count: state.count))
        self.init(width: width, height: height, pixels: pixels)
    }

    /// Encodes as an RGB8 PNG without timestamps or text: equal pixels give equal bytes with the same zlib.
    public func png(compression: PNGCompression = .fast) throws(PixelError) -> [UInt8] {
        var state = unsafe pixels_png()
        defer { unsafe free(state.bytes) }
        let status = unsafe pixels.withUnsafeBufferPointer { rows in
            unsafe pixels_png_encode(
                &state, rows.baseAddress, UInt32(width), UInt32(height), compression == .fast ? 1 : 0)
        }
        guard status == PIXELS_PNG_OK, let encoded = unsafe state.bytes else {
            throw PixelError(
                .unwritable, "cannot encode a \(width)x\(height) picture as PNG: \(unsafe Self.message(of: state))")
        }
        return unsafe [UInt8](UnsafeBufferPointer(start: encoded, count: state.count))
    }

    /// What libpng said, as text.
    private static func message(of state: pixels_png) -> String {
        unsafe withUnsafeBytes(of: state.message) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
