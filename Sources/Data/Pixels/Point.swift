// A place in an image.

/// A pixel's place; it may lie outside an image.
public struct Point: Hashable, Sendable {
    /// Column, counted from the left.
    public var x: Int
    /// Row, counted from the top.
    public var y: Int

    /// The place in column `x`, row `y`.
    public init(x: Int, y: Int) {
        self.x = x
        self.y = y
    }
}
