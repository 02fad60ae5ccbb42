// Text on an image, in the bitmap font.

extension Image {
    /// Draws one line of text, the top of its capitals at `point`; characters beyond ASCII appear as `?`.
    ///
    /// - Parameter scale: size of a font pixel in image pixels; capitals are 7 times that high.
    public mutating func draw(
        text: String, at point: Point, scale: Double = 1, color: Color, opacity: Double = 1
    ) {
        precondition(scale > 0, "text needs a scale above 0")
        var left = Double(point.x)
        for character in text {
            let glyph = BitmapFont.glyph(character)
            draw(glyph, left: left, top: point.y, scale: scale, color: color, opacity: opacity)
            left += Double(glyph.width + 1) * scale
        }
    }

    /// Draws text with its middle at column `centerX`.
    public mutating func draw(
        text: String, centeredAt centerX: Int, y: Int, scale: Double = 1, color: Color
    ) {
        let left = (Double(centerX) - BitmapFont.width(of: text, scale: scale) / 2).rounded()
        draw(text: text, at: Point(x: Int(left), y: y), scale: scale, color: color)
    }

    private mutating func draw(
        _ glyph: BitmapFont.Glyph, left: Double, top: Int, scale: Double, color: Color, opacity: Double
    ) {
        // At least steep enough that a place without ink stays untouched at scale 1.
        let steepness = max(scale, 1) * 0.5 / BitmapFont.threshold
        let first = Int(left.rounded(.down))
        let end = Int((left + Double(glyph.width) * scale).rounded(.up))
        for y in top..<top + Int((9 * scale).rounded(.up)) where y >= 0 && y < height {
            let row = (Double(y - top) + 0.5) / scale
            for x in max(first, 0)..<max(min(end, width), max(first, 0)) {
                let column = (Double(x) + 0.5 - left) / scale
                let value = Self.field(glyph, column, row)
                let coverage = min(max((value - BitmapFont.threshold) * steepness + 0.5, 0), 1)
                if coverage > 0 { paint(x, y, color, coverage * opacity) }
            }
        }
    }

    /// The glyph's ink interpolated between the centres of its pixels.
    @inline(__always)
    private static func field(_ glyph: BitmapFont.Glyph, _ column: Double, _ row: Double) -> Double {
        let (x, y) = (column - 0.5, row - 0.5)
        let (left, upper) = (x.rounded(.down), y.rounded(.down))
        let (partX, partY) = (x - left, y - upper)
        let (i, j) = (Int(left), Int(upper))
        let above = glyph.ink(i, j) * (1 - partX) + glyph.ink(i + 1, j) * partX
        let below = glyph.ink(i, j + 1) * (1 - partX) + glyph.ink(i + 1, j + 1) * partX
        return above * (1 - partY) + below * partY
    }
}
