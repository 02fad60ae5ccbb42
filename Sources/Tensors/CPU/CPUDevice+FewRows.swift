// Linear layers of few rows, which are bound by reading their weights: the weights stand in the place of the rows, as they lie
// in the checkpoint, and the few rows in panels. Nothing large is packed, and what comes next is asked for meanwhile.

import CKernels

extension CPUDevice {
    /// More rows are multiplied with packed weights.
    private static let fewRows = 256

    /// Whether there are so few rows, and enough work for all threads.
    func isFew(_ rows: Int, _ weights: LayerWeights) -> Bool {
        unsafe rows <= Self.fewRows && rows * weights.depth * weights.columns >= 16 * Self.smallWork
    }

    /// `result = source weights^T + bias + shortcut`, shared by all threads: the same bytes as any other way, since sums begin
    /// with the bias and go through the depth alike.
    func multiplyFew(
        _ rows: Int, _ source: UnsafePointer<Float>, _ weights: LayerWeights, adding added: Added,
        _ result: UnsafeMutablePointer<Float>
    ) {
        let packed = unsafe packRows(rows, source, depth: weights.depth)
        unsafe multiplyFew(FewRows(packed: packed.base, count: rows, weights: weights), adding: added, result)
        unsafe pool.giveBack(packed)
    }

    /// The same for rows that are packed.
    private func multiplyFew(_ factors: FewRows, adding added: Added, _ result: UnsafeMutablePointer<Float>) {
        let columns = unsafe factors.weights.columns
        let (pieces, width) = (FewPieces(columns, lanes: loop.lanes), Panel.columns)
        unsafe withScratch(pieces.size * width * factors.panels) { scratch in
            loop.run(pieces.count) { item, lane in
                let (piece, turned) = unsafe (pieces[item], scratch(lane))
                unsafe multiplyFew(
                    piece, next: piece.lowerBound + pieces.size * loop.lanes, factors, bias: added.bias, to: turned,
                    panelStride: piece.count * width)
                for panel in unsafe 0..<factors.panels {
                    let row = panel * width
                    let at = row * columns + piece.lowerBound
                    unsafe kernels_transpose(
                        turned + row * piece.count, width, piece.count, min(width, factors.count - row), 1,
                        added.shortcut.map { unsafe $0 + at }, result + at, columns)
                }
            }
        }
    }

    /// A perceptron of few rows: what lies between its layers is left in panels as the second layer reads them.
    func perceptronOfFew(
        _ rows: Int, _ source: UnsafePointer<Float>, _ layers: PerceptronLayers, _ result: UnsafeMutablePointer<Float>
    ) {
        let packed = unsafe packRows(rows, source, depth: layers.expansion.depth)
        let factors = unsafe FewRows(packed: packed.base, count: rows, weights: layers.expansion)
        let hidden = unsafe pool.take(factors.panels * Panel.columns * layers.contraction.depth)
        unsafe expandFew(factors, layers, to: hidden.base)
        unsafe multiplyFew(
            FewRows(packed: hidden.base, count: rows, weights: layers.contraction), adding: layers.added, result)
        unsafe pool.giveBack(hidden)
        unsafe pool.giveBack(packed)
    }

    /// The first layer and the nonlinearity, `[panel, channel, 16]`.
    private func expandFew(_ factors: FewRows, _ layers: PerceptronLayers, to hidden: UnsafeMutablePointer<Float>) {
        let width = Panel.columns
        let (channels, bias) = unsafe (layers.contraction.depth, layers.bias)
        let pieces = unsafe FewPieces(
            channels, most: layers.isGated ? FewPieces.most / 2 : FewPieces.most, lanes: loop.lanes)
        let (panelStride, panels) = unsafe (channels * width, factors.panels)
        unsafe withScratch(2 * pieces.size * width * panels) { scratch in
            loop.run(pieces.count) { item, lane in
                let piece = pieces[item]
                let following = piece.lowerBound + pieces.size * loop.lanes
                let to = unsafe hidden + piece.lowerBound * width
                let numbers = piece.count * width
                switch unsafe layers.activation {
                case .pointwise(let activation):
                    unsafe multiplyFew(piece, next: following, factors, bias: bias, to: to, panelStride: panelStride)
                    for panel in 0..<panels {
                        let part = unsafe to + panel * panelStride
                        unsafe Self.apply(activation, part, part, numbers)
                    }
                case .gatedGelu:
                    // Values, then gates.
                    let both = unsafe scratch(lane)
                    let gates = piece.lowerBound + channels..<piece.upperBound + channels
                    unsafe multiplyFew(
                        piece, next: gates.lowerBound, factors, bias: bias, to: both, panelStride: 2 * numbers)
                    unsafe multiplyFew(
                        gates, next: following, factors, bias: bias, to: both + numbers, panelStride: 2 * numbers)
                    unsafe kernels_gated_gelu(both, 2 * numbers, to, panelStride, panels, numbers)
                }
            }
        }
    }

    /// Panels of sixteen rows over the depth.
    private func packRows(_ rows: Int, _ source: UnsafePointer<Float>, depth: Int) -> BufferPool.Buffer {
        let panels = (rows + Panel.columns - 1) / Panel.columns
        let packed = unsafe pool.take(panels * Panel.columns * depth)
        loop.run(panels) { panel, _ in
            let row = panel * Panel.columns
            unsafe kernels_pack(
                source + row * depth, depth, min(Panel.columns, rows - row), depth, 1, packed.base + row * depth)
        }
        return unsafe packed
    }

    /// Sums of some output channels, `[panel, channel, 16]`.
    /// - Parameters:
    ///   - next: the first channel that this thread is likely to take next.
    ///   - panelStride: numbers from a panel of the sums to the next.
    private func multiplyFew(
        _ piece: Range<Int>, next: Int, _ factors: FewRows, bias: UnsafePointer<Float>?,
        to sums: UnsafeMutablePointer<Float>, panelStride: Int
    ) {
        let (weights, width) = unsafe (factors.weights, Panel.columns)
        let depth = unsafe weights.depth
        let chunks = unsafe weights.chunks
        for index in 0..<chunks.count {
            let chunk = chunks[index]
            let isLast = index + 1 == chunks.count
            let first = unsafe isLast ? min(next, weights.columns) : piece.lowerBound
            let count = unsafe min(piece.count, weights.columns - first)
            let following = isLast ? chunks[0] : chunks[index + 1]
            unsafe kernel.multiply(
                kernels_product(
                    x: weights.numbers + piece.lowerBound * depth + chunk.lowerBound, x_stride: depth,
                    rows: piece.count, columns: factors.panels * width, length: chunk.count,
                    panels: factors.packed + chunk.lowerBound * width, panel_stride: depth * width, bias: nil,
                    row_bias: bias.map { unsafe $0 + piece.lowerBound }, adds: index > 0 ? 1 : 0, y: sums,
                    y_stride: width, y_panel_stride: panelStride, plus: nil,
                    next: kernels_rows(
                        from: weights.numbers + first * depth + following.lowerBound, stride: depth, rows: count,
                        length: following.count), then: kernels_rows()))
        }
    }
}

/// Output channels in pieces, as many for each thread.
private struct FewPieces {
    let size: Int, count: Int
    private let columns: Int

    /// Output channels of a piece, at most.
    static let most = 96

    init(_ columns: Int, most: Int = most, lanes: Int) {
        let wanted = (columns + most * lanes - 1) / (most * lanes) * lanes
        size = (columns + wanted - 1) / wanted
        count = (columns + size - 1) / size
        self.columns = columns
    }

    subscript(_ index: Int) -> Range<Int> { index * size..<min((index + 1) * size, columns) }
}

/// Few rows, and what they are multiplied with.
@unsafe private struct FewRows {
    /// The rows, `[panel, depth, 16]`.
    let packed: UnsafePointer<Float>
    let count: Int
    let weights: LayerWeights

    init(packed: UnsafeMutablePointer<Float>, count: Int, weights: LayerWeights) {
        unsafe (self.packed, self.count, self.weights) = (UnsafePointer(packed), count, weights)
    }

    var panels: Int { unsafe (count + Panel.columns - 1) / Panel.columns }
}
