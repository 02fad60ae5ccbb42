// Pooling: each thread takes some rows of windows, down the columns and then along the row.

import CKernels
public import Tensors

extension CPUDevice {
    /// Numbers of the image that one piece goes through: 512 KB, so that rows seen by two windows are still in the second cache.
    private static let pooledNumbers = 1 << 17

    /// A pass over the image for windows that do not overlap, and little more for others.
    public func pool(_ x: Tensor, _ pooling: Pooling, _ window: PoolingWindow) throws(DeviceError) -> Tensor {
        let (height, width, channels) = (x.shape[1], x.shape[2], x.channels)
        let size = window.size(height, width)
        let counts = pooling == .mean(countsPadding: true)
        let shape = kernels_pooling(
            height: height, width: width, channels: channels, rows: window.rows, columns: window.columns,
            stride: window.stride, top: window.padding.top, left: window.padding.left, windows: size.columns,
            counts_all: counts ? 1 : 0)
        let pool = unsafe pooling == .greatest ? kernels_pool_greatest : kernels_pool_mean
        let line = width * channels
        let source = unsafe try read(x)
        return unsafe try make([x.shape[0], size.rows, size.columns, channels]) { result throws(DeviceError) in
            unsafe try withScratch(line) { scratch in
                let all = x.shape[0] * size.rows
                let each = max(1, Self.pooledNumbers / (line * window.stride))
                loop.run((all + each - 1) / each) { piece, lane in
                    for item in piece * each..<min((piece + 1) * each, all) {
                        let (sample, row) = item.quotientAndRemainder(dividingBy: size.rows)
                        unsafe pool(
                            source + sample * height * line, shape, row, scratch(lane),
                            result + item * size.columns * channels)
                    }
                }
            }
        }
    }
}
