// Linear layers and convolutions as products of rows with weights that are packed on the way.

import CKernels

extension CPUDevice {
    /// All samples' rows side by side, where kernels keep them apart.
    public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
        let weights = unsafe layerWeights(weight)
        let (source, shift) = unsafe (read(x), bias.map { unsafe read($0) })
        let rows = x.count / max(x.channels, 1)
        return unsafe make(x.shape.dropLast() + [weights.columns]) { result in
            for run in runs(rows, samples: x.shape[0]) {
                unsafe multiply(
                    run.count, source + run.lowerBound * weights.depth, weights, bias: shift,
                    result + run.lowerBound * weights.columns)
            }
        }
    }

    /// Gathers the patches of output positions, then multiplies; kernels of one pixel are linear layers.
    public func convolution(_ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding) -> Tensor {
        if weight.shape[2] == 1, weight.shape[3] == 1, stride == 1, padding == Padding(0) {
            return linear(x, weight: weight.reshaped(Array(weight.shape.prefix(2))), bias: bias)
        }
        if kernel.keepsRowsApart,
            let tiles = WinogradTiles(x.shape, weight: weight.shape, stride: stride, padding: padding)
        {
            return winograd(x, weight: weight, bias: bias, tiles)
        }
        return directly(x, weight: weight, bias: bias, stride: stride, padding: padding)
    }

    private func directly(_ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding) -> Tensor {
        let weights = unsafe layerWeights(weight)
        let gather = unsafe PatchGather(
            x.shape, kernel: Array(weight.shape[2...]), stride: stride, padding: padding, chunks: weights.chunks)
        let (source, shift) = unsafe (read(x), bias.map { unsafe read($0) })
        let total = x.shape[0] * gather.positions
        let block = max(Self.patchNumbers / max(gather.depth, 1) / 192, 1) * 192
        return unsafe make([x.shape[0], gather.rows, gather.columns, weights.columns]) { result in
            let patches = unsafe pool.take(min(block, total) * gather.depth)
            for run in runs(total, samples: x.shape[0]) {
                for first in Swift.stride(from: run.lowerBound, to: run.upperBound, by: block) {
                    let rows = min(block, run.upperBound - first)
                    forEachPiece(of: rows, size: 16) { start, count in
                        unsafe gather.copy(
                            source, first + start..<first + start + count, to: patches.base + start * gather.depth)
                    }
                    unsafe multiply(
                        rows, patches.base, weights, bias: shift, result + first * weights.columns)
                }
            }
            unsafe pool.giveBack(patches)
        }
    }

    /// Numbers of gathered patches that wait for their product: 16 MB.
    private static let patchNumbers = 4 << 20

    /// Weights `[out, in]` or `[out, in, height, width]`.
    private func layerWeights(_ weight: Tensor) -> LayerWeights {
        unsafe LayerWeights(
            numbers: read(weight), columns: weight.shape[0], inputs: weight.shape[1],
            taps: weight.shape[2...].reduce(1, *))
    }

    /// Rows that are multiplied together: all of them, or sample by sample where the rows beside a row decide its last bits.
    private func runs(_ rows: Int, samples: Int) -> [Range<Int>] {
        if kernel.keepsRowsApart { return [0..<rows] }
        let each = rows / max(samples, 1)
        return (0..<samples).map { $0 * each..<($0 + 1) * each }
    }

    /// `result = source weights^T + bias`, shared by all threads.
    private func multiply(
        _ rows: Int, _ source: UnsafePointer<Float>, _ weights: LayerWeights, bias: UnsafePointer<Float>?,
        _ result: UnsafeMutablePointer<Float>
    ) {
        if kernel.keepsRowsApart, unsafe weights.taps == 1, rows <= Self.fewRows {
            return unsafe multiplyFew(rows, source, weights, bias: bias, result)
        }
        // OpenBLAS's rows are cut alike on every host, since the cuts decide last bits.
        let lanes = kernel.keepsRowsApart ? loop.lanes : 16
        let pieces = unsafe ProductPieces(rows: rows, panels: weights.panels, lanes: lanes)
        let chunks = unsafe weights.chunks
        let steps = chunks.size * chunks.taps
        unsafe withScratch(pieces.panels * Panel.columns * steps) { scratch in
            loop.run(pieces.count) { item, lane in
                let (rows, panels) = pieces[item]
                for index in 0..<chunks.count {
                    let chunk = chunks[index]
                    unsafe weights.pack(panels: panels, inputs: chunk, to: scratch(lane))
                    let next: kernels_rows
                    if index + 1 < chunks.count {
                        unsafe next = weights.rows(panels: panels, inputs: chunks[index + 1])
                    } else {
                        // What this thread is likely to take next.
                        let following = item + loop.lanes
                        unsafe next =
                            following < pieces.count
                            ? weights.rows(panels: pieces[following].panels, inputs: chunks[0]) : kernels_rows()
                    }
                    unsafe multiply(
                        rows, panels, UnsafePointer(scratch(lane)), stride: chunk.count * chunks.taps,
                        steps: chunk.lowerBound * chunks.taps..<chunk.upperBound * chunks.taps, source, weights,
                        bias: bias, next: next, result)
                }
            }
        }
    }

    /// Some steps of the depth, in blocks of rows that stay in the second cache while all panels pass.
    private func multiply(
        _ rows: Range<Int>, _ panels: Range<Int>, _ packed: UnsafePointer<Float>, stride: Int, steps: Range<Int>,
        _ source: UnsafePointer<Float>, _ weights: LayerWeights, bias: UnsafePointer<Float>?, next: kernels_rows,
        _ result: UnsafeMutablePointer<Float>
    ) {
        let column = panels.lowerBound * Panel.columns
        let blocks = (rows.count + Self.cachedRows - 1) / Self.cachedRows
        for block in 0..<blocks {
            let row = rows.lowerBound + block * Self.cachedRows
            unsafe kernel.multiply(
                kernels_product(
                    x: source + row * weights.depth + steps.lowerBound, x_stride: weights.depth,
                    rows: min(Self.cachedRows, rows.upperBound - row),
                    columns: min(panels.count * Panel.columns, weights.columns - column),
                    length: steps.count, panels: packed, panel_stride: stride * Panel.columns,
                    bias: bias.map { unsafe $0 + column }, adds: steps.lowerBound > 0 ? 1 : 0,
                    y: result + row * weights.columns + column, y_stride: weights.columns,
                    y_panel_stride: Panel.columns, next: next.part(block, of: blocks)))
        }
    }

    /// Rows of 512 steps that take 384 KB.
    static let cachedRows = 192
}
