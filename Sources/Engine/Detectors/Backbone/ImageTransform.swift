// From a picture to what a network takes: another size, other numbers, zeros around.

import Pixels
import Tensors

/// Brings a picture to a size within bounds, its shape kept, subtracts the mean color and divides by the deviation (both
/// ImageNet's), and pads below and to the right.
struct ImageTransform: Sendable {
    /// How a length is rounded and colors are interpolated.
    enum Convention: Sendable {
        /// Lengths are cut, colors stay fractions.
        case torchvision
        /// Lengths and colors are rounded to the nearest whole number, as mmcv's `imrescale` does with 8-bit pictures.
        case mmdetection
    }

    /// A picture for the network.
    struct Prepared {
        /// `[1, padded rows, padded columns, 3]`.
        var pixels: Tensor
        /// Its size without the padding.
        var width: Int, height: Int
    }

    /// A length with its padding: a multiple of the coarsest stage's stride.
    static func padded(_ length: Int) -> Int { (length + 31) / 32 * 32 }

    /// Of red, green and blue, 0...1.
    private static let mean: [Float] = [0.485, 0.456, 0.406]
    private static let deviation: [Float] = [0.229, 0.224, 0.225]

    /// Pixels that the shorter side gets,
    var shorter: Int
    /// unless the longer one would get more than these.
    var longer: Int
    var convention: Convention

    /// The size without padding.
    func size(width: Int, height: Int) -> (width: Int, height: Int) {
        let least = Double(min(width, height)), most = Double(max(width, height))
        let scale = min(Double(shorter) / least, Double(longer) / most)
        func scaled(_ length: Int) -> Int {
            max(1, Int(Double(length) * scale + (convention == .mmdetection ? 0.5 : 0)))
        }
        return (scaled(width), scaled(height))
    }

    /// Linear between the centers of pixels, without averaging where a picture shrinks (torch's `interpolate` with
    /// `bilinear`, OpenCV's `INTER_LINEAR`).
    func callAsFunction(_ image: Image, on device: any Device) -> Prepared {
        let (width, height) = size(width: image.width, height: image.height)
        let (rows, columns) = (Self.padded(height), Self.padded(width))
        let across = Self.steps(from: image.width, to: width)
        let down = Self.steps(from: image.height, to: height)
        var floats = [Float](repeating: 0, count: 3 * rows * columns)
        image.pixels.withUnsafeBufferPointer { source in
            floats.withUnsafeMutableBufferPointer { target in
                for (row, vertical) in down.enumerated() {
                    let above = UnsafeBufferPointer(rebasing: source[(vertical.first * 3 * image.width)...])
                    let below = UnsafeBufferPointer(rebasing: source[(vertical.second * 3 * image.width)...])
                    let line = UnsafeMutableBufferPointer(rebasing: target[(row * 3 * columns)...])
                    fill(line, above, below, vertical.share, across)
                }
            }
        }
        return Prepared(
            pixels: Tensor(floats, shape: [1, rows, columns, 3], device: device), width: width, height: height)
    }

    /// A line of the new picture, from the two old ones that it lies between.
    private func fill(
        _ line: UnsafeMutableBufferPointer<Float>, _ above: UnsafeBufferPointer<UInt8>,
        _ below: UnsafeBufferPointer<UInt8>, _ share: Float, _ across: [Step]
    ) {
        let isWhole = convention == .mmdetection
        for channel in 0..<3 {
            let factor = 1 / (255 * Self.deviation[channel]), offset = -Self.mean[channel] / Self.deviation[channel]
            for (column, step) in across.enumerated() {
                let (left, right) = (3 * step.first + channel, 3 * step.second + channel)
                let upper = Float(above[left]) * (1 - step.share) + Float(above[right]) * step.share
                let lower = Float(below[left]) * (1 - step.share) + Float(below[right]) * step.share
                var color = upper * (1 - share) + lower * share
                if isWhole { color = (color + 0.5).rounded(.down) }
                line[3 * column + channel] = color * factor + offset
            }
        }
    }

    private typealias Step = (first: Int, second: Int, share: Float)

    /// For each new pixel the two old ones that its center lies between, and the share of the second.
    private static func steps(from old: Int, to new: Int) -> [Step] {
        let scale = Double(old) / Double(new)
        return (0..<new).map { index in
            let place = max((Double(index) + 0.5) * scale - 0.5, 0)
            let first = min(Int(place), old - 1)
            return (first, min(first + 1, old - 1), Float(place - Double(first)))
        }
    }
}
