// Perceptrons: what lies between their two layers is wide, so it is computed for some rows at a time and never goes through
// memory; values and gates (Shazeer 2020, GEGLU) of some channels are multiplied while they are in the second cache.

import CKernels

extension CPUDevice {
    /// Few rows in panels, many in blocks.
    public func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) -> Tensor {
        let channels = contraction.weight.shape[1]
        guard kernel.keepsRowsApart, activation != .gatedGelu || channels % Panel.columns == 0 else {
            let wide = linear(x, weight: expansion.weight, bias: expansion.bias, adding: nil)
            return linear(
                activation.apply(to: wide, on: self), weight: contraction.weight, bias: contraction.bias,
                adding: shortcut)
        }
        let rows = x.count / max(x.channels, 1)
        let weights = unsafe (layerWeights(expansion.weight), layerWeights(contraction.weight))
        let isFew = unsafe self.isFew(rows, weights.0) && self.isFew(rows, weights.1)
        let layers = unsafe PerceptronLayers(
            expansion: weights.0, bias: expansion.bias.map { unsafe read($0) }, activation: activation,
            contraction: weights.1,
            added: Added(
                bias: contraction.bias.map { unsafe read($0) }, shortcut: isFew ? nil : shortcut.map { unsafe read($0) }))
        if isFew { return unsafe perceptronOfFew(x, layers, adding: shortcut) }
        let source = unsafe read(x)
        return unsafe make(x.shape.dropLast() + [contraction.weight.shape[0]]) { result in
            unsafe perceptronOfMany(rows, source, layers, result)
        }
    }

    /// Numbers between the layers that wait for the second one: 8 MB, which stay in the last cache.
    private static let hiddenNumbers = 2 << 20
    /// With fewer rows, packing the weights once more would cost over a fiftieth.
    private static let fewestRows = 1024

    private func perceptronOfMany(
        _ rows: Int, _ source: UnsafePointer<Float>, _ layers: PerceptronLayers, _ result: UnsafeMutablePointer<Float>
    ) {
        let (channels, outputs) = unsafe (layers.contraction.depth, layers.contraction.columns)
        let most = max(Self.fewestRows, Self.hiddenNumbers / max(channels, 1))
        let blocks = (rows + most - 1) / most
        if blocks == 0 { return }
        let size = (rows + blocks - 1) / blocks
        let hidden = unsafe pool.take(size * channels)
        for first in stride(from: 0, to: rows, by: size) {
            let count = min(size, rows - first)
            unsafe expand(count, source + first * layers.expansion.depth, layers, to: hidden.base)
            unsafe multiply(
                count, hidden.base, layers.contraction, adding: layers.added.moved(by: first * outputs),
                result + first * outputs)
        }
        unsafe pool.giveBack(hidden)
    }

    /// The first layer and the nonlinearity, `[row, channel]`.
    private func expand(
        _ rows: Int, _ source: UnsafePointer<Float>, _ layers: PerceptronLayers,
        to hidden: UnsafeMutablePointer<Float>
    ) {
        switch unsafe layers.activation {
        case .gatedGelu: unsafe multiplyGated(rows, source, layers.expansion, bias: layers.bias, hidden)
        case .pointwise(let activation):
            unsafe multiply(
                rows, source, layers.expansion, adding: Added(bias: layers.bias, shortcut: nil), hidden)
            unsafe apply(activation, hidden, hidden, count: rows * layers.expansion.columns)
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
                    row_bias: nil,
                    adds: index > 0 ? 1 : 0, y: wide, y_stride: 2 * columns, y_panel_stride: Panel.columns, plus: nil,
                    next: following, then: kernels_rows()))
        }
    }
}

/// A perceptron's layers where their numbers lie.
@unsafe struct PerceptronLayers {
    let expansion: LayerWeights
    let bias: UnsafePointer<Float>?
    let activation: PerceptronActivation
    let contraction: LayerWeights
    /// What the second layer adds.
    let added: Added

    var isGated: Bool { unsafe activation == .gatedGelu }
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
