// A rectangle of whole pixels.

/// A rectangle of whole pixels; `x` and `y` are its upper-left pixel, and it may lie outside an image.
public struct Rectangle: Hashable, Sendable {
    /// Column of the left edge, in pixels.
    public var x: Int
    /// Row of the upper edge, in pixels.
    public var y: Int
    /// Columns covered, in pixels; none when 0.
    public var width: Int
    /// Rows covered, in pixels; none when 0.
    public var height: Int

    /// A rectangle from its corner and size; a negative size becomes 0.
    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = max(width, 0)
        self.height = max(height, 0)
    }

    /// The whole pixels nearest to a box in fractional pixels, at least one pixel wide and high.
    public init(roundingX x: Double, y: Double, width: Double, height: Double) {
        let (left, top) = (Int(x.rounded()), Int(y.rounded()))
        self.init(
            x: left, y: top,
            width: max(1, Int((x + width).rounded()) - left), height: max(1, Int((y + height).rounded()) - top))
    }

    /// The column right of the last one.
    public var maxX: Int { x + width }
    /// The row below the last one.
    public var maxY: Int { y + height }
    /// Covers no pixel.
    public var isEmpty: Bool { width == 0 || height == 0 }
    /// Pixels covered.
    public var area: Int { width * height }

    /// The pixels covered by both; empty when there are none.
    public func intersection(_ other: Rectangle) -> Rectangle {
        let (left, top) = (max(x, other.x), max(y, other.y))
        return Rectangle(
            x: left, y: top, width: min(maxX, other.maxX) - left, height: min(maxY, other.maxY) - top)
    }

    /// True when the two share at least one pixel.
    public func intersects(_ other: Rectangle) -> Bool { !intersection(other).isEmpty }

    /// True when every pixel of `other` is covered.
    public func contains(_ other: Rectangle) -> Bool {
        other.x >= x && other.y >= y && other.maxX <= maxX && other.maxY <= maxY
    }

    /// Grown by `amount` pixels on every side, or shrunk when negative.
    public func outset(by amount: Int) -> Rectangle {
        Rectangle(x: x - amount, y: y - amount, width: width + 2 * amount, height: height + 2 * amount)
    }

    /// Moved by whole pixels.
    public func offset(x byX: Int, y byY: Int) -> Rectangle {
        Rectangle(x: x + byX, y: y + byY, width: width, height: height)
    }

    /// Both corners multiplied by the factors and rounded to whole pixels.
    public func scaled(x byX: Double, y byY: Double) -> Rectangle {
        Rectangle(
            roundingX: Double(x) * byX, y: Double(y) * byY, width: Double(width) * byX, height: Double(height) * byY)
    }
}
