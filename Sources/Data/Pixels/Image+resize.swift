// Resizing: averages over areas when shrinking, linear interpolation when enlarging.

/// The source pixels that one target pixel is made of along one axis, with weights that sum to 1.
private struct Taps {
    var start: Int
    var weights: [Float]

    /// The taps of every target pixel: `source` pixels become `target` pixels.
    static func along(source: Int, target: Int) -> [Taps] {
        let step = Double(source) / Double(target)
        return (0..<target).map { place in
            step > 1
                ? average(from: Double(place) * step, to: Double(place + 1) * step, source: source)
                : interpolate(at: (Double(place) + 0.5) * step - 0.5, source: source)
        }
    }

    /// The mean over [from, to), whose first and last pixel count by the part covered.
    private static func average(from: Double, to: Double, source: Int) -> Taps {
        let first = Int(from)
        let last = min(max(Int(to.rounded(.up)), first + 1), source)
        let weights = (first..<last).map { min(Double($0 + 1), to) - max(Double($0), from) }
        let sum = weights.reduce(0, +)
        return Taps(start: first, weights: weights.map { Float($0 / sum) })
    }

    /// The two pixels around a place between pixel centres; edge pixels continue beyond the edge.
    private static func interpolate(at place: Double, source: Int) -> Taps {
        let clamped = min(max(place, 0), Double(source - 1))
        let first = min(Int(clamped), max(source - 2, 0))
        let part = Float(clamped - Double(first))
        return Taps(start: first, weights: source == 1 ? [1] : [1 - part, part])
    }
}

extension Image {
    /// The picture at another size, without keeping its aspect ratio.
    ///
    /// Along an axis that shrinks, each pixel is the mean of the area it covers (box filter); along one that grows,
    /// pixels are interpolated linearly between centres.
    public func resized(width newWidth: Int, height newHeight: Int) -> Image {
        precondition(newWidth > 0 && newHeight > 0, "an image has at least one pixel")
        if newWidth == width && newHeight == height { return self }
        let columns = Taps.along(source: width, target: newWidth)
        let rows = Taps.along(source: height, target: newHeight)
        let narrowed = resampledRows(columns)
        var result = [UInt8](repeating: 0, count: 3 * newWidth * newHeight)
        var sums = [Float](repeating: 0, count: 3 * newWidth)
        for (y, taps) in rows.enumerated() {
            for index in sums.indices { sums[index] = 0.5 }
            for (tap, weight) in taps.weights.enumerated() {
                let source = (taps.start + tap) * sums.count
                for index in sums.indices { sums[index] += weight * narrowed[source + index] }
            }
            for index in sums.indices { result[y * sums.count + index] = UInt8(min(sums[index], 255)) }
        }
        return Image(width: newWidth, height: newHeight, pixels: result)
    }

    /// Every row resampled, `[height, columns.count, 3]`.
    private func resampledRows(_ columns: [Taps]) -> [Float] {
        var result = [Float](repeating: 0, count: 3 * columns.count * height)
        var index = 0
        for y in 0..<height {
            for taps in columns {
                var source = 3 * (y * width + taps.start)
                var (red, green, blue) = (Float(0), Float(0), Float(0))
                for weight in taps.weights {
                    red += weight * Float(pixels[source])
                    green += weight * Float(pixels[source + 1])
                    blue += weight * Float(pixels[source + 2])
                    source += 3
                }
                (result[index], result[index + 1], result[index + 2]) = (red, green, blue)
                index += 3
            }
        }
        return result
    }
}
