// The receptive fields of a convolution, copied out of a channels-last image.

/// Copies the patches that output positions see, zeros where they leave the image.
struct PatchGather {
    /// Output rows and columns.
    let rows: Int, columns: Int
    private let height: Int, width: Int, channels: Int
    private let kernelHeight: Int, kernelWidth: Int
    private let stride: Int
    private let padding: Padding

    /// Output positions of one sample.
    var positions: Int { rows * columns }
    /// Numbers of one patch: `kernel height * kernel width * channels`, channels fastest.
    var depth: Int { kernelHeight * kernelWidth * channels }

    init(_ shape: [Int], kernel: [Int], stride: Int, padding: Padding) {
        (height, width, channels) = (shape[1], shape[2], shape[3])
        (kernelHeight, kernelWidth) = (kernel[0], kernel[1])
        (self.stride, self.padding) = (stride, padding)
        rows = (height + padding.top + padding.bottom - kernelHeight) / stride + 1
        columns = (width + padding.left + padding.right - kernelWidth) / stride + 1
    }

    /// Patches of the output positions of one sample, `[positions.count, depth]`.
    func copy(_ image: UnsafePointer<Float>, _ positions: Range<Int>, to patches: UnsafeMutablePointer<Float>) {
        let span = kernelWidth * channels
        for position in positions {
            let (row, column) = (position / columns * stride - padding.top, position % columns * stride - padding.left)
            var patch = unsafe patches + (position - positions.lowerBound) * depth
            // Taps of one kernel row are neighbours in memory: what lies inside the image is one copy.
            let (before, after) = (max(0, -column), max(0, column + kernelWidth - width))
            let inside = max(0, kernelWidth - before - after)
            for y in row..<row + kernelHeight {
                if y < 0 || y >= height || inside == 0 {
                    unsafe patch.update(repeating: 0, count: span)
                } else {
                    let from = unsafe image + (y * width + column + before) * channels
                    unsafe patch.update(repeating: 0, count: before * channels)
                    unsafe (patch + before * channels).update(from: from, count: inside * channels)
                    unsafe (patch + (before + inside) * channels).update(repeating: 0, count: after * channels)
                }
                unsafe patch += span
            }
        }
    }
}
