// How much memory a batch will take.

import Tensors
import Weights

extension Checkpoint {
    /// About how many bytes of memory a process takes at its peak while it generates a batch, weights included.
    ///
    /// Counted from the sizes of the layers, as the processor's device uses memory: it keeps buffers of every size that
    /// sampling needs, or decoding, and of weights nothing beside what the files hold. Mapped weights are shared by all
    /// processes of a host. On Stable Diffusion v1.5 it lies a tenth above what was measured, at 256x256 and at 800x456.
    ///
    /// - Parameters:
    ///   - batch: tasks in one forward pass.
    ///   - width: pixels across.
    ///   - height: pixels down.
    ///   - usesGuidance: whether the unconditional prediction is computed too.
    public func memoryEstimate(batch: Int, width: Int, height: Int, usesGuidance: Bool = true) -> Int {
        let rows = height / autoencoder.factor
        let columns = width / autoencoder.factor
        let sampling = batch * (usesGuidance ? 2 : 1) * unet.activations(rows: rows, columns: columns)
        // One sample at a time.
        let decoding = autoencoder.activations(rows: rows, columns: columns)
        return weightBytes + MemoryLayout<Float>.size * max(sampling, decoding) + CPUDevice.mostScratchBytes
    }

    /// Bytes of all weights once loaded: float32 as mapped from the file, all else converted to it.
    public var weightBytes: Int { parts.reduce(0) { $0 + MemoryLayout<Float>.size * $1.parameters } }
}

extension UNetConfiguration {
    /// Numbers in the buffers of one sample's pass.
    fileprivate func activations(rows: Int, columns: Int) -> Int {
        // What the way down keeps for the way up.
        var sum = channels[0] * rows * columns
        var (rows, columns) = (rows, columns)
        for (level, width) in channels.enumerated() {
            let pixels = rows * columns
            sum += layers[level] * width * pixels
            // Going up: a residual block's input, in two parts and joined, and normalized; its result in between.
            let incoming = channels[min(level + 1, channels.count - 1)]
            sum += pixels * (3 * (incoming + width) + 2 * width)
            if attendsGoingDown[level] {
                // Image, tokens, queries, keys, values and sums beside 8 and 4 times as many in the perceptron, whose
                // wide half only devices keep that do not gate it on the way.
                sum += pixels * 19 * width
            }
            (rows, columns) = ((rows + 1) / 2, (columns + 1) / 2)
            if level < channels.count - 1 { sum += width * rows * columns }
        }
        return sum
    }
}

extension AutoencoderConfiguration {
    /// Numbers in the buffers of one sample's decoding.
    fileprivate func activations(rows: Int, columns: Int) -> Int {
        channels.indices.reduce(0) { sum, level in
            let scale = factor >> level
            let incoming = channels[min(level + 1, channels.count - 1)]
            // The image as it comes and normalized; convolved twice, and the shortcut.
            return sum + rows * columns * scale * scale * (2 * incoming + 3 * channels[level])
        }
    }
}
