// Drawing on an image: rectangles, outlines, rounded shapes and other images, all clipped to the image.

extension Image {
    /// Lends the pixels' bytes, `[height, width, 3]`, for writing in place.
    mutating func withBytes(_ body: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        unsafe pixels.withUnsafeMutableBufferPointer { buffer in unsafe body(buffer) }
    }

    /// Paints the rectangle over what is there.
    ///
    /// - Parameter opacity: 0 leaves the image as it is, 1 hides it.
    public mutating func fill(_ rectangle: Rectangle, _ color: Color, opacity: Double = 1) {
        let area = rectangle.intersection(bounds)
        guard !area.isEmpty else { return }
        let weight = Self.weight(opacity)
        let width = width
        unsafe withBytes { bytes in
            for y in area.y..<area.maxY {
                let start = 3 * (y * width + area.x)
                for index in stride(from: start, to: start + 3 * area.width, by: 3) {
                    unsafe Self.blend(bytes, index, color, weight)
                }
            }
        }
    }

    /// Draws the rectangle's outline, `thickness` pixels wide and inside of it.
    public mutating func stroke(_ rectangle: Rectangle, _ color: Color, thickness: Int = 1, opacity: Double = 1) {
        let band = min(thickness, (min(rectangle.width, rectangle.height) + 1) / 2)
        guard band > 0 else { return }
        let (x, y, width, height) = (rectangle.x, rectangle.y, rectangle.width, rectangle.height)
        let lower = max(y + band, rectangle.maxY - band)
        let right = max(x + band, rectangle.maxX - band)
        fill(Rectangle(x: x, y: y, width: width, height: band), color, opacity: opacity)
        fill(Rectangle(x: x, y: lower, width: width, height: rectangle.maxY - lower), color, opacity: opacity)
        let sideHeight = height - 2 * band
        fill(Rectangle(x: x, y: y + band, width: band, height: sideHeight), color, opacity: opacity)
        let rightSide = Rectangle(x: right, y: y + band, width: rectangle.maxX - right, height: sideHeight)
        fill(rightSide, color, opacity: opacity)
    }

    /// Paints the rectangle with corners rounded to `radius` pixels, their edges smoothed.
    public mutating func fillRounded(_ rectangle: Rectangle, _ color: Color, radius: Int, opacity: Double = 1) {
        let radius = min(radius, rectangle.width / 2, rectangle.height / 2)
        guard radius > 0 else { return fill(rectangle, color, opacity: opacity) }
        fill(
            Rectangle(
                x: rectangle.x, y: rectangle.y + radius, width: rectangle.width, height: rectangle.height - 2 * radius),
            color, opacity: opacity)
        for row in 0..<radius {
            for y in [rectangle.y + row, rectangle.maxY - 1 - row] {
                let span = Rectangle(x: rectangle.x + radius, y: y, width: rectangle.width - 2 * radius, height: 1)
                fill(span, color, opacity: opacity)
                for column in 0..<radius {
                    let coverage = Self.cornerCoverage(column: column, row: row, radius: radius) * opacity
                    paint(rectangle.x + column, y, color, coverage)
                    paint(rectangle.maxX - 1 - column, y, color, coverage)
                }
            }
        }
    }

    /// Copies `image` with its upper-left pixel at `point`.
    public mutating func draw(_ image: Image, at point: Point) {
        let target = image.bounds.offset(x: point.x, y: point.y)
        let area = target.intersection(bounds)
        guard !area.isEmpty else { return }
        let width = width
        unsafe withBytes { bytes in
            for y in area.y..<area.maxY {
                let source = 3 * ((y - point.y) * image.width + area.x - point.x)
                let start = 3 * (y * width + area.x)
                for index in 0..<3 * area.width { unsafe bytes[start + index] = image.pixels[source + index] }
            }
        }
    }

    /// Blends one pixel, which may lie outside the image.
    mutating func paint(_ x: Int, _ y: Int, _ color: Color, _ opacity: Double) {
        guard x >= 0, x < width, y >= 0, y < height, opacity > 0 else { return }
        let index = 3 * (y * width + x)
        let weight = Self.weight(opacity)
        unsafe withBytes { bytes in unsafe Self.blend(bytes, index, color, weight) }
    }

    /// Opacity in 256ths.
    static func weight(_ opacity: Double) -> Int { Int((min(max(opacity, 0), 1) * 256).rounded()) }

    /// Mixes `weight`/256 of the color into the pixel whose first byte is at `index`.
    @inline(__always)
    static func blend(_ bytes: UnsafeMutableBufferPointer<UInt8>, _ index: Int, _ color: Color, _ weight: Int) {
        unsafe bytes[index] = mix(bytes[index], color.red, weight)
        unsafe bytes[index + 1] = mix(bytes[index + 1], color.green, weight)
        unsafe bytes[index + 2] = mix(bytes[index + 2], color.blue, weight)
    }

    @inline(__always)
    private static func mix(_ under: UInt8, _ over: UInt8, _ weight: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: (Int(under) * (256 - weight) + Int(over) * weight + 128) >> 8)
    }

    /// How much of a corner's pixel lies inside the quarter circle, 0...1, from the distance of its centre.
    private static func cornerCoverage(column: Int, row: Int, radius: Int) -> Double {
        let (x, y) = (Double(radius - column) - 0.5, Double(radius - row) - 0.5)
        return min(max(Double(radius) - (x * x + y * y).squareRoot() + 0.5, 0), 1)
    }
}
