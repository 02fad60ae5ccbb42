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
        for index in 0..<chunks.count {
            let chunk = chunks[index]
            for y in row..<row + kernelHeight {
                for x in column..<column + kernelWidth {
                    if y < 0 || y >= height || x < 0 || x >= width {
                        unsafe patch.update(repeating: 0, count: chunk.count)
                    } else {
                        let from = unsafe image + (y * width + x) * channels + chunk.lowerBound
                        unsafe patch.update(from: from, count: chunk.count)
                    }
                    unsafe patch += chunk.count
                }
            }
        }
    }
}
