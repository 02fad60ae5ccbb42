// Pooling: what becomes of the pixels in a window.

/// What a window of pixels gives, channel by channel.
public enum Pooling: Sendable, Hashable {
    /// The greatest number; not-a-number counts as greater than all others, as in PyTorch.
    case greatest
    /// The sum over the number of pixels, those of the padding counted or not (PyTorch's `count_include_pad`).
    case mean(countsPadding: Bool)
}

/// How a window goes over an image.
public struct PoolingWindow: Sendable, Hashable {
    /// Pixels down and across.
    public var rows: Int, columns: Int
    /// Pixels from one window to the next, down and across.
    public var stride: Int
    /// Pixels around the image that are never the greatest and add nothing; fewer on each side than the window has.
    public var padding: Padding

    /// Any window.
    public init(rows: Int, columns: Int, stride: Int, padding: Padding = Padding(0)) {
        (self.rows, self.columns, self.stride, self.padding) = (rows, columns, stride, padding)
    }

    /// A square window.
    public init(_ side: Int, stride: Int, padding: Padding = Padding(0)) {
        self.init(rows: side, columns: side, stride: stride, padding: padding)
    }

    /// A square window around each pixel, an even one reaching one pixel farther down and right: the size stays at stride 1
    /// (darknet's default padding).
    public static func around(_ side: Int, stride: Int = 1) -> PoolingWindow {
        let before = (side - 1) / 2
        let after = side - 1 - before
        return PoolingWindow(
            side, stride: stride, padding: Padding(top: before, left: before, bottom: after, right: after))
    }

    /// Rows and columns of what an image of `rows` by `columns` gives; windows that reach beyond the padding are left out.
    public func size(_ rows: Int, _ columns: Int) -> (rows: Int, columns: Int) {
        (
            steps(over: rows + padding.top + padding.bottom, window: self.rows),
            steps(over: columns + padding.left + padding.right, window: self.columns)
        )
    }

    private func steps(over length: Int, window: Int) -> Int { length < window ? 0 : (length - window) / stride + 1 }
}

extension Tensor {
    /// Pools each channel of `[batch, rows, columns, channels]`, which gives `[batch, rows out, columns out, channels]`.
    public func pooled(_ pooling: Pooling, _ window: PoolingWindow) -> Tensor {
        let padding = window.padding
        precondition(
            shape.count == 4 && shape[1] > 0 && shape[2] > 0 && channels > 0 && window.stride > 0
                && min(window.rows, window.columns) > 0
                && shape[1] + padding.top + padding.bottom >= window.rows
                && shape[2] + padding.left + padding.right >= window.columns,
            "pooling: \(shape) with a window of \(window.rows) x \(window.columns), stride \(window.stride)")
        precondition(
            [padding.top, padding.bottom].allSatisfy { 0..<window.rows ~= $0 }
                && [padding.left, padding.right].allSatisfy { 0..<window.columns ~= $0 },
            "pooling: a window of \(window.rows) x \(window.columns) in a padding of \(padding) sees no pixel")
        let size = window.size(shape[1], shape[2])
        return computed(
            "pooling: \(shape) with a window of \(window.rows) x \(window.columns)",
            [shape[0], size.rows, size.columns, channels]
        ) { device throws(DeviceError) in try device.pool(self, pooling, window) }
    }
}
