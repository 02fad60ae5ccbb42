// RGB8 pictures in memory.

/// A picture of opaque sRGB pixels, 8 bits a channel.
public struct Image: Sendable, Equatable {
    /// Columns, in pixels.
    public let width: Int
    /// Rows, in pixels.
    public let height: Int
    /// `[height, width, 3]`, row-major, red first; its count never changes.
    public var pixels: [UInt8] {
        didSet { precondition(pixels.count == 3 * width * height, "an image keeps its number of pixels") }
    }

    /// The most pixels an image file may hold: 100 megapixels, 300 MB decoded.
    public static let pixelLimit = 100_000_000

    /// A picture of one colour.
    public init(width: Int, height: Int, fill color: Color) {
        precondition(width > 0 && height > 0, "an image has at least one pixel")
        self.width = width
        self.height = height
        unsafe pixels = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { buffer, count in
            count = 3 * width * height
            for index in stride(from: 0, to: count, by: 3) {
                unsafe buffer[index] = color.red
                unsafe buffer[index + 1] = color.green
                unsafe buffer[index + 2] = color.blue
            }
        }
    }

    /// A picture from its pixels, `[height, width, 3]`, row-major, red first.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(width > 0 && height > 0, "an image has at least one pixel")
        precondition(pixels.count == 3 * width * height, "an image has three bytes a pixel")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// The whole picture as a rectangle.
    public var bounds: Rectangle { Rectangle(x: 0, y: 0, width: width, height: height) }

    /// The pixel in column `x`, row `y`, both counted from 0 at the upper left.
    public subscript(x: Int, y: Int) -> Color {
        get {
            let index = offset(x, y)
            return Color(red: pixels[index], green: pixels[index + 1], blue: pixels[index + 2])
        }
        set {
            let index = offset(x, y)
            unsafe withBytes { bytes in
                unsafe bytes[index] = newValue.red
                unsafe bytes[index + 1] = newValue.green
                unsafe bytes[index + 2] = newValue.blue
            }
        }
    }

    private func offset(_ x: Int, _ y: Int) -> Int {
        precondition(x >= 0 && x < width && y >= 0 && y < height, "the pixel lies outside the image")
        return 3 * (y * width + x)
    }
}
