// How much memory a batch will take.

public import Tensors
import Weights

extension Checkpoint {
    /// About how many bytes of memory a process takes at its peak while it generates a batch, weights included.
    ///
    /// Counted from the sizes of the layers, for a device that keeps buffers of every size that sampling needs, or decoding.
    /// Weights that a host's device maps are shared by all its processes. On Stable Diffusion v1.5 it lies 5 to 11 % above
    /// what was measured on processors: 5.0 GB where one image of 256x256 took 4.5, 5.5 where 16 took 5.2, 6.9 where one of
    /// 800x456 took 6.3.
    ///
    /// - Parameters:
    ///   - batch: tasks in one forward pass.
    ///   - width: pixels across.
    ///   - height: pixels down.
    ///   - usesGuidance: whether the unconditional prediction is computed too.
    ///   - device: what computes.
    public func memoryEstimate(
        batch: Int, width: Int, height: Int, usesGuidance: Bool = true, on device: DeviceFacts
    ) -> Int {
        let rows = height / autoencoder.factor
        let columns = width / autoencoder.factor
        let sampling = unet.activations(
            images: batch * (usesGuidance ? 2 : 1), rows: rows, columns: columns, on: device)
        let decoding =
            min(batch, autoencoder.imagesTogether(width: width, height: height, on: device))
            * autoencoder.activations(rows: rows, columns: columns)
        return weightBytes(on: device) + device.bytesPerNumber * max(sampling, decoding) + device.scratchBytes
    }

    /// Bytes of all weights once loaded.
    public func weightBytes(on device: DeviceFacts) -> Int {
        parts.reduce(0) { $0 + device.bytesPerWeight * $1.parameters }
    }
}

extension UNetConfiguration {
    /// Numbers in the buffers of a pass.
    fileprivate func activations(images: Int, rows: Int, columns: Int, on device: DeviceFacts) -> Int {
        // What the way down keeps for the way up.
        var sum = images * channels[0] * rows * columns
        var (rows, columns) = (rows, columns)
        for (level, width) in channels.enumerated() {
            let pixels = images * rows * columns
            sum += layers[level] * width * pixels
            // Of the images that go through the resolution together, going up: a residual block's input, in two parts and
            // joined, and normalized; its result in between.
            let incoming = channels[min(level + 1, channels.count - 1)]
            let together = min(images, BatchPart.together(positions: rows * columns, on: device)) * rows * columns
            sum += together * (3 * (incoming + width) + 2 * width)
            // Image, tokens, queries, keys, values and sums beside 8 and 4 times as many in the perceptron, which only devices
            // keep that do not gate it on the way.
            if attendsGoingDown[level] { sum += together * 19 * width }
            // Of all images: what came from the coarser resolution; the results, apart and joined.
            sum += pixels * (incoming + 2 * width)
            (rows, columns) = ((rows + 1) / 2, (columns + 1) / 2)
            if level < channels.count - 1 { sum += images * width * rows * columns }
        }
        return sum
    }
}

extension AutoencoderConfiguration {
    /// How many images are decoded together: as many as the device likes, whose finest layers have a position a pixel.
    func imagesTogether(width: Int, height: Int, on device: DeviceFacts) -> Int {
        device.positionsTogether.map { max(1, $0 / max(width * height, 1)) } ?? .max
    }

    /// Numbers in the buffers of one image's decoding.
    fileprivate func activations(rows: Int, columns: Int) -> Int {
        channels.indices.reduce(0) { sum, level in
            let scale = factor >> level
            let incoming = channels[min(level + 1, channels.count - 1)]
            // The image as it comes and normalized; convolved twice, and the shortcut.
            return sum + rows * columns * scale * scale * (2 * incoming + 3 * channels[level])
        }
    }
}
