// The wide half of a gated perceptron (Shazeer 2020, GEGLU): values and gates of some channels are computed together and
// multiplied while they are in cache, so that the wide tensor never goes through memory.

import CKernels

extension CPUDevice {
    /// Values times the GELU of their gates, block by block.
    public func gatedLinear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
        let channels = weight.shape[0] / 2
        guard kernel.keepsRowsApart, channels % Panel.columns == 0 else {
            return gatedGelu(linear(x, weight: weight, bias: bias, adding: nil))
        }
        let weights = unsafe layerWeights(weight)
        let rows = x.count / max(x.channels, 1)
        let (source, shift) = unsafe (read(x), bias.map { unsafe read($0) })
        return unsafe make(x.shape.dropLast() + [channels]) { result in
            if unsafe isFew(rows, weights) {
                unsafe multiplyFew(
                    rows, source, weights, adding: Added(bias: shift, shortcut: nil), isGated: true, result)
            } else {
                unsafe multiplyGated(rows, source, weights, bias: shift, result)
            }
        }
    }

    private func multiplyGated(
        _ rows: Int, _ source: UnsafePointer<Float>, _ weights: LayerWeights, bias: UnsafePointer<Float>?,
        _ result: UnsafeMutablePointer<Float>
    ) {
        let cut = unsafe GatedBlocks(weights)
        let pieces = unsafe ProductPieces(
            rows: rows, panels: weights.panels / 2, lanes: loop.lanes, mostPanels: cut.panels)
        unsafe withScratch(cut.packedNumbers + cut.rows * cut.columns + cut.columns) { scratch in
            loop.run(pieces.count) { item, lane in
                let (rows, panels) = pieces[item]
                let packed = unsafe scratch(lane)
                let wide = unsafe packed + cut.packedNumbers
                let shift = unsafe wide + cut.rows * cut.columns
                let columns = panels.count * Panel.columns
                unsafe packHalves(panels, weights, to: packed)
                unsafe copyHalves(of: bias, panels, channels: weights.columns / 2, to: shift)
                for row in stride(from: rows.lowerBound, to: rows.upperBound, by: cut.rows) {
                    let block = row..<min(row + cut.rows, rows.upperBound)
                    let next = block.upperBound..<min(block.upperBound + cut.rows, rows.upperBound)
                    unsafe multiplyBlock(block, next: next, source, weights, packed, shift, columns: columns, to: wide)
                    let channels = unsafe weights.columns / 2
                    unsafe kernels_gated_gelu(
                        wide, 2 * columns, result + row * channels + panels.lowerBound * Panel.columns, channels,
                        block.count, columns)
                }
            }
        }
    }

    /// Some panels of the values, then the same of the gates, all steps of the depth.
    private func packHalves(_ panels: Range<Int>, _ weights: LayerWeights, to packed: UnsafeMutablePointer<Float>) {
        let half = unsafe weights.panels / 2
        let depth = unsafe 0..<weights.inputs
        unsafe weights.pack(panels: panels, inputs: depth, to: packed)
        unsafe weights.pack(
            panels: panels.lowerBound + half..<panels.upperBound + half, inputs: depth,
            to: packed + panels.count * Panel.columns * weights.depth)
    }

    private func copyHalves(
        of bias: UnsafePointer<Float>?, _ panels: Range<Int>, channels: Int, to shift: UnsafeMutablePointer<Float>
    ) {
        let (first, count) = (panels.lowerBound * Panel.columns, panels.count * Panel.columns)
        guard let bias = unsafe bias else { return unsafe shift.update(repeating: 0, count: 2 * count) }
        unsafe shift.update(from: bias + first, count: count)
        unsafe (shift + count).update(from: bias + channels + first, count: count)
    }

    /// Sums of some rows, `[row, values then gates]`.
    private func multiplyBlock(
        _ rows: Range<Int>, next: Range<Int>, _ source: UnsafePointer<Float>, _ weights: LayerWeights,
        _ packed: UnsafePointer<Float>, _ shift: UnsafePointer<Float>, columns: Int,
        to wide: UnsafeMutablePointer<Float>
    ) {
        let (depth, chunks) = unsafe (weights.depth, weights.chunks)
        for index in 0..<chunks.count {
            let chunk = chunks[index]
            let from = unsafe source + rows.lowerBound * depth + chunk.lowerBound
            let following = unsafe kernels_rows(
                from: source + next.lowerBound * depth + chunk.lowerBound, stride: depth, rows: next.count,
                length: chunk.count)
            unsafe kernel.multiply(
                kernels_product(
                    x: from, x_stride: depth, rows: rows.count, columns: 2 * columns, length: chunk.count,
                    panels: packed + chunk.lowerBound * Panel.columns, panel_stride: depth * Panel.columns, bias: shift,
                    adds: index > 0 ? 1 : 0, y: wide, y_stride: 2 * columns, y_panel_stride: Panel.columns, plus: nil,
                    next: following, then: kernels_rows()))
        }
    }
}

/// How a gated layer is cut, so that packed weights, rows, those that follow and their sums share the second cache.
private struct GatedBlocks {
    /// Panels of values, with as many of gates.
    let panels: Int
    /// Rows of a block.
    let rows: Int
    let packedNumbers: Int

    /// Values and gates of a block.
    var columns: Int { 2 * panels * Panel.columns }

    /// 400 KB of packed weights.
    private static let mostPacked = 100 << 10
    /// 900 KB of everything.
    private static let mostNumbers = 225 << 10

    init(_ weights: LayerWeights) {
        let depth = unsafe max(weights.depth, 1)
        panels = max(1, min(ProductPieces.mostPanels / 2, Self.mostPacked / (2 * Panel.columns * depth)))
        packedNumbers = 2 * panels * Panel.columns * depth
        let group = Int(KERNELS_PRODUCT_ROWS)
        let fitting = (Self.mostNumbers - packedNumbers) / (2 * depth + 2 * panels * Panel.columns)
        rows = min(192, max(2 * group, fitting / group * group))
    }
}
