// Bringing a picture to the size that a darknet network takes.

import Pixels

/// darknet's `resize_image`: linear between pixels, the corners staying where they are, first across, then down; the aspect
/// ratio is not kept.
enum DarknetResize {
    /// `[height, width, 3]`, colors 0...1.
    static func floats(of image: Image, width: Int, height: Int) -> [Float] {
        let across = steps(from: image.width, to: width)
        let down = steps(from: image.height, to: height)
        let source = image.pixels
        // Only rows that are read are made narrow or wide.
        var rows: [Int: [Float]] = [:]
        func row(_ index: Int) -> [Float] {
            if let made = rows[index] { return made }
            var made = [Float](repeating: 0, count: 3 * width)
            for (column, step) in across.enumerated() {
                let (first, second) = (3 * (index * image.width + step.first), 3 * (index * image.width + step.second))
                for channel in 0..<3 {
                    let (a, b) = (Float(source[first + channel]) / 255, Float(source[second + channel]) / 255)
                    made[3 * column + channel] = (1 - step.share) * a + step.share * b
                }
            }
            rows[index] = made
            return made
        }
        var result: [Float] = []
        result.reserveCapacity(3 * width * height)
        for step in down {
            let (first, second) = (row(step.first), row(step.second))
            for index in first.indices { result.append((1 - step.share) * first[index] + step.share * second[index]) }
            for index in rows.keys where index < step.first { rows[index] = nil }
        }
        return result
    }

    /// For each new pixel the two old ones that it lies between, and the share of the second.
    private static func steps(from old: Int, to new: Int) -> [(first: Int, second: Int, share: Float)] {
        let scale = new > 1 ? Float(old - 1) / Float(new - 1) : 0
        return (0..<new).map { index in
            if index == new - 1 || old == 1 { return (old - 1, old - 1, 0) }
            let place = Float(index) * scale
            let first = min(Int(place), old - 1)
            return (first, min(first + 1, old - 1), place - Float(first))
        }
    }
}
