// Linear layers and convolutions as products of rows with weights that are packed on the way.

import CKernels
public import Tensors

extension CPUDevice {
    /// By panels, or all samples' rows side by side where kernels keep them apart.
    public func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor {
        try linear(x, weight: weight, bias: bias, adding: shortcut, activation: .none)
    }

    private func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?, activation: kernels_activation
    ) throws(DeviceError) -> Tensor {
        let weights = unsafe try layerWeights(weight)
        let shift = unsafe try read(bias)
        if let result = unsafe try linearOfPanels(x, weights, bias: shift, adding: shortcut, activation) {
            return result
        }
        let source = unsafe try read(x)
        let added = unsafe Added(bias: shift, shortcut: try read(shortcut), activation: activation)
        let rows = x.count / max(x.channels, 1)
        return unsafe try make(x.shape.dropLast() + [weights.columns]) { result throws(DeviceError) in
            for run in runs(rows, samples: x.shape[0]) {
                unsafe try multiply(
                    run.count, source + run.lowerBound * weights.depth, weights,
                    adding: added.moved(by: run.lowerBound * weights.columns),
                    result + run.lowerBound * weights.columns)
            }
        }
    }

    /// Gathers the patches of output positions, then multiplies; kernels of one pixel are linear layers.
    public func convolution(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: Activation?
    ) throws(DeviceError) -> Tensor {
        let activation = activation?.kernel ?? .none
        if weight.shape[2] == 1, weight.shape[3] == 1, stride == 1, padding == Padding(0) {
            return try linear(
                x, weight: weight.reshaped(Array(weight.shape.prefix(2))), bias: bias, adding: shortcut,
                activation: activation)
        }
        if kernel.keepsRowsApart,
            let tiles = WinogradTiles(x.shape, weight: weight.shape, stride: stride, padding: padding)
        {
            return try winograd(x, weight: weight, bias: bias, tiles, adding: shortcut, activation)
        }
        return try directly(
            x, weight: weight, bias: bias, stride: stride, padding: padding, adding: shortcut, activation: activation)
    }

    private func directly(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: kernels_activation
    ) throws(DeviceError) -> Tensor {
        let weights = unsafe try layerWeights(weight)
        let gather = unsafe PatchGather(
            x.shape, kernel: Array(weight.shape[2...]), stride: stride, padding: padding, chunks: weights.chunks)
        let source = unsafe try read(x)
        let added = unsafe Added(bias: try read(bias), shortcut: try read(shortcut), activation: activation)
        let total = x.shape[0] * gather.positions
        let block = max(Self.patchNumbers / max(gather.depth, 1) / 192, 1) * 192
        return unsafe try make([x.shape[0], gather.rows, gather.columns, weights.columns]) {
            result throws(DeviceError) in
            let patches = unsafe try pool.take(min(block, total) * gather.depth)
            defer { unsafe pool.giveBack(patches) }
            for run in runs(total, samples: x.shape[0]) {
                for first in Swift.stride(from: run.lowerBound, to: run.upperBound, by: block) {
                    let rows = min(block, run.upperBound - first)
                    forEachPiece(of: rows, size: 16) { start, count in
                        unsafe gather.copy(
                            source, first + start..<first + start + count, to: patches.base + start * gather.depth)
                    }
                    unsafe try multiply(
                        rows, patches.base, weights, adding: added.moved(by: first * weights.columns),
                        result + first * weights.columns)
                }
            }
        }
    }

    /// Numbers of gathered patches that wait for their product: 16 MB.
    private static let patchNumbers = 4 << 20

    /// Weights `[out, in]` or `[out, in, height, width]`.
    func layerWeights(_ weight: Tensor) throws(DeviceError) -> LayerWeights {
        unsafe LayerWeights(
            numbers: try read(weight), columns: weight.shape[0], inputs: weight.shape[1],
            taps: weight.shape[2...].reduce(1, *))
    }

    /// Rows that are multiplied together: all of them, or sample by sample where the rows beside a row decide its last bits.
    private func runs(_ rows: Int, samples: Int) -> [Range<Int>] {
        if kernel.keepsRowsApart { return [0..<rows] }
        let each = rows / max(samples, 1)
        return (0..<samples).map { $0 * each..<($0 + 1) * each }
    }

    /// `result = activation(source weights^T + bias + shortcut)`, shared by all threads.
    func multiply(
        _ rows: Int, _ source: UnsafePointer<Float>, _ weights: LayerWeights, adding added: Added,
        _ result: UnsafeMutablePointer<Float>
    ) throws(DeviceError) {
        if unsafe isFew(rows, weights) {
            return unsafe try withPacked(source, PanelShape(samples: 1, rows: rows, channels: weights.depth)) {
                rows throws(DeviceError) in
                unsafe try multiply(rows, weights, adding: added, toRows: result)
            }
        }
        // OpenBLAS's rows are cut alike on every host, since the cuts decide last bits.
        let lanes = kernel.keepsRowsApart ? loop.lanes : 16
        let pieces = unsafe ProductPieces(rows: rows, panels: weights.panels, lanes: lanes)
        let chunks = unsafe weights.chunks
        let steps = chunks.size * chunks.taps
        unsafe try withScratch(pieces.panels * Panel.columns * steps) { scratch in
            loop.run(pieces.count) { item, lane in
                let (rows, panels) = pieces[item]
                // What this thread is likely to take next.
                let after = item + loop.lanes
                let following = after < pieces.count ? pieces[after] : (rows: 0..<0, panels: 0..<0)
                for index in 0..<chunks.count {
                    let chunk = chunks[index]
                    let isLast = index + 1 == chunks.count
                    let nextChunk = chunks[isLast ? 0 : index + 1]
                    let next = unsafe weights.rows(panels: isLast ? following.panels : panels, inputs: nextChunk)
                    let nextRows = isLast ? following.rows : rows
                    let most = Self.cachedRows(nextChunk.count * chunks.taps, panels: panels.count)
                    let then = unsafe kernels_rows(
                        from: source + nextRows.lowerBound * weights.depth + nextChunk.lowerBound * chunks.taps,
                        stride: weights.depth, rows: min(most, nextRows.count), length: nextChunk.count * chunks.taps)
                    unsafe weights.pack(panels: panels, inputs: chunk, to: scratch(lane))
                    unsafe multiply(
                        rows, panels, UnsafePointer(scratch(lane)), stride: chunk.count * chunks.taps,
                        steps: chunk.lowerBound * chunks.taps..<chunk.upperBound * chunks.taps, source, weights,
                        adding: added, next: next, then: then, result)
                }
            }
        }
    }

    /// Some steps of the depth, in blocks of rows that stay in the second cache while all panels pass.
    /// - Parameters:
    ///   - next: the weights that are asked for during the last block; before, it is the next block's rows.
    ///   - then: the rows that are asked for after those weights.
    private func multiply(
        _ rows: Range<Int>, _ panels: Range<Int>, _ packed: UnsafePointer<Float>, stride: Int, steps: Range<Int>,
        _ source: UnsafePointer<Float>, _ weights: LayerWeights, adding added: Added, next: kernels_rows,
        then: kernels_rows, _ result: UnsafeMutablePointer<Float>
    ) {
        let column = panels.lowerBound * Panel.columns
        let most = Self.cachedRows(steps.count, panels: panels.count)
        let isLast = unsafe steps.upperBound == weights.depth
        for row in Swift.stride(from: rows.lowerBound, to: rows.upperBound, by: most) {
            let end = min(row + most, rows.upperBound)
            let from = unsafe source + row * weights.depth + steps.lowerBound
            let to = unsafe row * weights.columns + column
            let isLastBlock = end == rows.upperBound
            let blockAfter = unsafe kernels_rows(
                from: from + most * weights.depth, stride: weights.depth,
                rows: min(most, rows.upperBound - end), length: steps.count)
            let following = unsafe isLastBlock ? next : blockAfter
            let columns = unsafe min(panels.count * Panel.columns, weights.columns - column)
            let bias = unsafe added.bias.map { unsafe $0 + column }
            let shortcut = unsafe isLast ? added.shortcut.map { unsafe $0 + to } : nil
            let activation = unsafe isLast ? added.activation : .none
            unsafe kernel.multiply(
                kernels_product(
                    x: from, x_stride: weights.depth, rows: end - row, columns: columns, length: steps.count,
                    panels: packed, panel_stride: stride * Panel.columns, bias: bias, row_bias: nil,
                    adds: steps.lowerBound > 0 ? 1 : 0, y: result + to, y_stride: weights.columns,
                    y_panel_stride: Panel.columns, plus: shortcut, activation: activation, next: following,
                    then: isLastBlock ? then : kernels_rows()))
        }
    }

    /// Rows that stay in the second cache, with those that follow and the packed panels: 900 KB together.
    private static func cachedRows(_ steps: Int, panels: Int) -> Int {
        let group = Int(KERNELS_PRODUCT_ROWS)
        let fitting = ((900 << 10) / 4 / max(steps, 1) - panels * Panel.columns) / 2
        return min(192, max(group, fitting / group * group))
    }
}

/// What a layer adds to its products, a number for each column and one for each of the result's, and the activation of the sum.
@unsafe struct Added {
    let bias: UnsafePointer<Float>?
    /// Where the result's first number has its own.
    let shortcut: UnsafePointer<Float>?
    let activation: kernels_activation

    init(bias: UnsafePointer<Float>?, shortcut: UnsafePointer<Float>?, activation: kernels_activation = .none) {
        unsafe (self.bias, self.shortcut, self.activation) = (bias, shortcut, activation)
    }

    /// The same for the rows from number `offset` of the result on.
    func moved(by offset: Int) -> Added {
        unsafe Added(bias: bias, shortcut: shortcut.map { unsafe $0 + offset }, activation: activation)
    }
}
