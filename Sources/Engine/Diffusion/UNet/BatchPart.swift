// Which samples of a batch go through a resolution together.

import Tensors

/// Some samples of a batch, and their texts, which follow one another, as many for each sample.
///
/// They go through all layers of a resolution before the next part does, as many as the device likes to take together.
struct BatchPart {
    let samples: Range<Int>, texts: Range<Int>

    /// All parts of a batch whose samples have so many positions each.
    static func parts(samples: Int, texts: Int, positions: Int, on device: DeviceFacts) -> [BatchPart] {
        let each = texts / samples
        let size = min(samples, max(1, together(positions: positions, on: device) / each))
        return stride(from: 0, to: samples, by: size).map { first in
            let end = min(first + size, samples)
            return BatchPart(samples: first..<end, texts: first * each..<end * each)
        }
    }

    /// How many samples are computed together, counted once each has its texts.
    static func together(positions: Int, on device: DeviceFacts) -> Int {
        device.positionsTogether.map { max(fewest, $0 / max(positions, 1)) } ?? .max
    }

    /// The two samples of a guided image share the layers' weights.
    private static let fewest = 2
}
