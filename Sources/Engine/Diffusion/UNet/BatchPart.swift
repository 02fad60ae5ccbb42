// Which images of a batch go through a resolution together.

import Tensors

/// Some images of a batch, and their texts, which follow one another, as many for each image.
///
/// They go through all layers of a resolution before the next part does, as many as the device likes to take together.
struct BatchPart {
    let images: Range<Int>, texts: Range<Int>

    /// All parts of a batch whose images have so many positions each.
    static func parts(images: Int, texts: Int, positions: Int, on device: DeviceFacts) -> [BatchPart] {
        let each = texts / images
        let size = min(images, max(1, together(positions: positions, on: device) / each))
        return stride(from: 0, to: images, by: size).map { first in
            let end = min(first + size, images)
            return BatchPart(images: first..<end, texts: first * each..<end * each)
        }
    }

    /// How many images are computed together, counted once each has its texts.
    static func together(positions: Int, on device: DeviceFacts) -> Int {
        device.positionsTogether.map { max(fewest, $0 / max(positions, 1)) } ?? .max
    }

    /// A guided image counts as two, which share the layers' weights.
    private static let fewest = 2
}
