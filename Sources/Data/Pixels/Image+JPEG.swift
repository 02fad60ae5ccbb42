// Reading JPEG through libturbojpeg.

import CJPEG

extension Image {
    /// Decodes a JPEG: gray, YCbCr, RGB, CMYK or YCCK, baseline or progressive, upright as Exif's orientation asks.
    ///
    /// The pixels are those of Pillow's `ImageOps.exif_transpose(Image.open(file)).convert("RGB")`: the accurate integer
    /// DCT, chroma interpolated, CMYK taken as Adobe writes it (inverted). Colour profiles are not applied. What decoders
    /// let pass, such as stray bytes between segments, passes here too; a picture that was cut off does not. Throws
    /// `.malformed` for bytes that are not one whole JPEG and `.tooLarge` beyond ``pixelLimit``.
    public init(jpeg bytes: [UInt8]) throws(PixelError) {
        let decoder = try JPEGDecoder(bytes)
        let markers = JPEGMarkers(bytes)
        guard markers.isWhole else {
            throw decoder.failure("the data ends at byte \(bytes.count), before the end marker")
        }
        let upright = Image(width: decoder.width, height: decoder.height, pixels: try decoder.pixels())
        self = upright.oriented(markers.orientation)
    }

    /// Decodes a PNG or a JPEG, whichever the first bytes say it is. Throws as ``init(png:)`` and ``init(jpeg:)`` do.
    public init(decoding bytes: [UInt8]) throws(PixelError) {
        if bytes.starts(with: [0xFF, 0xD8]) { self = try Image(jpeg: bytes) } else { self = try Image(png: bytes) }
    }

    /// The picture turned and mirrored as Exif's orientation 1...8 says it must be to stand upright.
    func oriented(_ orientation: Int) -> Image {
        guard orientation != 1 else { return self }
        let (width, height) = (width, height)
        let isTurned = orientation >= 5
        let (newWidth, newHeight) = isTurned ? (height, width) : (width, height)
        var result = [UInt8](repeating: 0, count: pixels.count)
        for y in 0..<newHeight {
            for x in 0..<newWidth {
                // Where the pixel at (x, y) comes from.
                let (column, row) =
                    switch orientation {
                    case 2: (width - 1 - x, y)
                    case 3: (width - 1 - x, height - 1 - y)
                    case 4: (x, height - 1 - y)
                    case 5: (y, x)
                    case 6: (y, height - 1 - x)
                    case 7: (width - 1 - y, height - 1 - x)
                    default: (width - 1 - y, x)
                    }
                let (to, from) = (3 * (y * newWidth + x), 3 * (row * width + column))
                for channel in 0..<3 { result[to + channel] = pixels[from + channel] }
            }
        }
        return Image(width: newWidth, height: newHeight, pixels: result)
    }
}

/// One JPEG in libturbojpeg's hands.
@safe private final class JPEGDecoder {
    private let handle: tjhandle
    private let bytes: [UInt8]
    let width: Int
    let height: Int
    private let isCMYK: Bool

    /// Reads the header.
    init(_ bytes: [UInt8]) throws(PixelError) {
        guard let handle = unsafe tjInitDecompress() else {
            throw PixelError(.malformed, "cannot decode a JPEG: libturbojpeg could not start; free some memory")
        }
        var (width, height, subsampling, space): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
        let status = unsafe tjDecompressHeader3(
            handle, bytes, UInt(bytes.count), &width, &height, &subsampling, &space)
        unsafe self.handle = handle
        self.bytes = bytes
        self.width = Int(width)
        self.height = Int(height)
        isCMYK = [TJCS_CMYK, TJCS_YCCK].contains { $0.rawValue == UInt32(bitPattern: space) }
        guard status == 0 || isWarning, width > 0, height > 0 else { throw failure(said) }
        guard self.width * self.height <= Image.pixelLimit else {
            throw PixelError(
                .tooLarge,
                "cannot decode a JPEG of \(bytes.count) bytes: it is \(width)x\(height), expected at most "
                    + "\(Image.pixelLimit) pixels; scale it down first")
        }
    }

    deinit { unsafe tjDestroy(handle) }

    /// Whether the last call ended with pixels after all.
    private var isWarning: Bool {
        let code = unsafe tjGetErrorCode(handle)
        return code == Int32(TJERR_WARNING.rawValue)
    }

    /// What libturbojpeg said last.
    private var said: String {
        unsafe tjGetErrorStr2(handle).map { unsafe String(cString: $0) } ?? "libturbojpeg gave no reason"
    }

    func failure(_ reason: String) -> PixelError {
        PixelError(
            .malformed, "cannot decode a JPEG of \(bytes.count) bytes: expected one whole JPEG, but \(reason)")
    }

    /// `[height, width, 3]`, red first.
    func pixels() throws(PixelError) -> [UInt8] {
        let channels = isCMYK ? 4 : 3
        var decoded = [UInt8](repeating: 0, count: channels * width * height)
        let format = isCMYK ? TJPF_CMYK.rawValue : TJPF_RGB.rawValue
        // A progressive file of a few kilobytes may have thousands of scans of millions of pixels.
        let status = unsafe tjDecompress2(
            handle, bytes, UInt(bytes.count), &decoded, Int32(width), 0, Int32(height), Int32(format),
            Int32(TJFLAG_LIMITSCANS))
        if status != 0 {
            let reason = said
            // A warning is something that every decoder passes over, save where data was missing.
            guard isWarning, !reason.contains("premature end") else { throw failure(reason) }
        }
        return isCMYK ? Self.rgb(fromInverted: decoded) : decoded
    }

    /// Adobe writes CMYK inverted; each ink takes its share of the light that black leaves, rounded as Pillow rounds it.
    private static func rgb(fromInverted cmyk: [UInt8]) -> [UInt8] {
        var rgb = [UInt8](repeating: 0, count: cmyk.count / 4 * 3)
        for pixel in 0..<cmyk.count / 4 {
            let light = Int(cmyk[4 * pixel + 3])
            for channel in 0..<3 {
                let product = (255 - Int(cmyk[4 * pixel + channel])) * light + 128
                rgb[3 * pixel + channel] = UInt8(light - (((product >> 8) + product) >> 8))
            }
        }
        return rgb
    }
}
