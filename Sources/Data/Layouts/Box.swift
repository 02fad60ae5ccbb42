// Axis-aligned boxes in pixels, in COCO's form: upper-left corner, width, height.

/// A box `[x, y, width, height]` in pixels, x to the right and y down, as COCO writes it.
///
/// Encoded as the array `[x, y, width, height]`.
public struct Box: Hashable, Sendable {
    /// The left edge.
    public var x: Double
    /// The upper edge.
    public var y: Double
    /// The extent to the right.
    public var width: Double
    /// The extent downward.
    public var height: Double

    /// Makes a box from its upper-left corner and its extent.
    public init(x: Double, y: Double, width: Double, height: Double) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }

    /// The right edge.
    public var maxX: Double { x + width }
    /// The lower edge.
    public var maxY: Double { y + height }
    /// Width times height, in square pixels.
    public var area: Double { width * height }

    /// The area shared with `other` over the area covered by either, in `0...1`; 0 when neither has an area.
    public func intersectionOverUnion(_ other: Box) -> Double {
        let sharedWidth = min(maxX, other.maxX) - max(x, other.x)
        let sharedHeight = min(maxY, other.maxY) - max(y, other.y)
        guard sharedWidth > 0, sharedHeight > 0 else { return 0 }
        let shared = sharedWidth * sharedHeight
        let covered = area + other.area - shared
        return covered > 0 ? shared / covered : 0
    }

    /// The part inside the frame `[0, width] x [0, height]`; of no extent when the box does not meet it.
    public func clipped(toWidth frameWidth: Double, height frameHeight: Double) -> Box {
        // A box that lies inside is returned as it is, so that its numbers do not pick up rounding from x + width - x.
        if x >= 0, y >= 0, maxX <= frameWidth, maxY <= frameHeight { return self }
        let left = min(max(x, 0), frameWidth)
        let top = min(max(y, 0), frameHeight)
        let right = min(max(maxX, 0), frameWidth)
        let bottom = min(max(maxY, 0), frameHeight)
        return Box(x: left, y: top, width: right - left, height: bottom - top)
    }

    /// The box with every x multiplied by `scaleX` and every y by `scaleY`.
    public func scaled(x scaleX: Double, y scaleY: Double) -> Box {
        Box(x: x * scaleX, y: y * scaleY, width: width * scaleX, height: height * scaleY)
    }

    /// The box of an image of `width` x `height` pixels in a frame of another size: scaled, then clipped to it.
    ///
    /// The aspect ratio is not kept, as in the paper.
    public func fitted(from width: Int, _ height: Int, into newWidth: Int, _ newHeight: Int) -> Box {
        scaled(x: Double(newWidth) / Double(width), y: Double(newHeight) / Double(height))
            .clipped(toWidth: Double(newWidth), height: Double(newHeight))
    }

    /// Whether all four numbers are finite and the extent is not negative.
    public var isValid: Bool {
        x.isFinite && y.isFinite && width.isFinite && height.isFinite && width >= 0 && height >= 0
    }
}

extension Box: Codable {
    /// Decodes `[x, y, width, height]`.
    public init(from decoder: any Decoder) throws {
        var numbers = try decoder.unkeyedContainer()
        x = try numbers.decode(Double.self)
        y = try numbers.decode(Double.self)
        width = try numbers.decode(Double.self)
        height = try numbers.decode(Double.self)
        guard numbers.isAtEnd else {
            throw DecodingError.dataCorruptedError(
                in: numbers, debugDescription: "expected 4 numbers of a box, found more")
        }
    }

    /// Encodes `[x, y, width, height]`.
    public func encode(to encoder: any Encoder) throws {
        var numbers = encoder.unkeyedContainer()
        for number in [x, y, width, height] { try numbers.encode(number) }
    }
}
