// The receptive fields of a convolution, copied out of a channels-last image.

import Tensors

/// Copies the patches that output positions see, zeros where they leave the image.
struct PatchGather {
    /// Output rows and columns.
    let rows: Int, columns: Int
    private let height: Int, width: Int, channels: Int
    private let kernelHeight: Int, kernelWidth: Int
    private let stride: Int
    private let padding: Padding
    private let chunks: DepthChunks

    /// Output positions of one sample.
    var positions: Int { rows * columns }
    /// Numbers of one patch: chunk by chunk of the channels, tap by tap, channels fastest.
    var depth: Int { kernelHeight * kernelWidth * channels }

    init(_ shape: [Int], kernel: [Int], stride: Int, padding: Padding, chunks: DepthChunks) {
        (height, width, channels) = (shape[1], shape[2], shape[3])
        (kernelHeight, kernelWidth) = (kernel[0], kernel[1])
        (self.stride, self.padding, self.chunks) = (stride, padding, chunks)
        rows = (height + padding.top + padding.bottom - kernelHeight) / stride + 1
        columns = (width + padding.left + padding.right - kernelWidth) / stride + 1
    }

    /// Patches of some output positions, `[range.count, depth]`; positions count on from sample to sample.
    func copy(_ images: UnsafePointer<Float>, _ range: Range<Int>, to patches: UnsafeMutablePointer<Float>) {
        for index in range {
            let (sample, position) = index.quotientAndRemainder(dividingBy: positions)
            let image = unsafe images + sample * height * width * channels
            let (row, column) = (position / columns * stride - padding.top, position % columns * stride - padding.left)
            unsafe copy(image, row, column, to: patches + (index - range.lowerBound) * depth)
        }
    }

    /// One patch, whose upper left pixel may lie outside.
    private func copy(
        _ image: UnsafePointer<Float>, _ row: Int, _ column: Int, to patch: UnsafeMutablePointer<Float>
    ) {
        var patch = unsafe patch
        // Pixels before the image, in it and behind it.
        let before = min(max(-column, 0), kernelWidth)
        let after = min(max(column + kernelWidth - width, 0), kernelWidth)
        let inside = kernelWidth - before - after
        for index in 0..<chunks.count {
            let chunk = chunks[index]
            for y in row..<row + kernelHeight {
                if y < 0 || y >= height || inside <= 0 {
                    unsafe patch.update(repeating: 0, count: kernelWidth * chunk.count)
                    unsafe patch += kernelWidth * chunk.count
                    continue
                }
                let from = unsafe image + (y * width + column + before) * channels + chunk.lowerBound
                unsafe patch.update(repeating: 0, count: before * chunk.count)
                unsafe patch += before * chunk.count
                if chunks.count == 1 {
                    // All channels of the pixels, which stand side by side.
                    unsafe patch.update(from: from, count: inside * channels)
                } else {
                    for x in 0..<inside {
                        unsafe (patch + x * chunk.count).update(from: from + x * channels, count: chunk.count)
                    }
                }
                unsafe patch += inside * chunk.count
                unsafe patch.update(repeating: 0, count: after * chunk.count)
                unsafe patch += after * chunk.count
            }
        }
    }
}
