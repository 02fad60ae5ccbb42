// An image's size on the command line.

public import ArgumentParser

/// Width and height in pixels, written `800x456`.
public struct PixelSize: ExpressibleByArgument, Hashable, Sendable {
    /// Pixels across.
    public var width: Int
    /// Pixels down.
    public var height: Int

    /// Names a size.
    public init(width: Int, height: Int) {
        self.width = width
        self.height = height
    }

    /// Reads `800x456`.
    public init?(argument: String) {
        let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard sides.count == 2, let width = sides[0], let height = sides[1] else { return nil }
        self.init(width: width, height: height)
    }

    /// As it is written.
    public var defaultValueDescription: String { "\(width)x\(height)" }
}
