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

    /// Output channels of a piece, at most.
    private static let pieceColumns = 96

    /// `result = source weights^T + bias + shortcut`, shared by all threads: the same bytes as any other way, since sums begin
    /// with the bias and go through the depth alike.
    /// - Parameter isGated: the result is the first half of the sums times the GELU of the second.
    func multiplyFew(
        _ rows: Int, _ source: UnsafePointer<Float>, _ weights: LayerWeights, adding added: Added,
        isGated: Bool = false, _ result: UnsafeMutablePointer<Float>
    ) {
        let columns = unsafe isGated ? weights.columns / 2 : weights.columns
        let panels = (rows + Panel.columns - 1) / Panel.columns
        let width = panels * Panel.columns
        let packed = unsafe packRows(rows, source, depth: weights.depth)
        // As many for each thread.
        let most = (isGated ? Self.pieceColumns / 2 : Self.pieceColumns) * loop.lanes
        let pieces = (columns + most - 1) / most * loop.lanes
        let size = (columns + pieces - 1) / pieces
        unsafe withScratch((isGated ? 2 : 1) * size * width) { scratch in
            loop.run((columns + size - 1) / size) { item, lane in
                let piece = item * size..<min((item + 1) * size, columns)
                let turned = unsafe scratch(lane)
                let following = piece.lowerBound + size * loop.lanes
                let factors = unsafe FewRows(packed: UnsafePointer(packed.base), panels: panels, weights: weights)
                if isGated {
                    let gates = piece.lowerBound + columns..<piece.upperBound + columns
                    unsafe multiplyFew(piece, next: gates.lowerBound, factors, bias: added.bias, to: turned)
                    unsafe multiplyFew(
                        gates, next: following, factors, bias: added.bias, to: turned + piece.count * width)
                    unsafe kernels_gated_gelu(turned, 0, turned, 0, 1, piece.count * width)
                } else {
                    unsafe multiplyFew(piece, next: following, factors, bias: added.bias, to: turned)
                }
                unsafe kernels_transpose(
                    turned, width, piece.count, rows, 1, added.shortcut.map { unsafe $0 + piece.lowerBound },
                    result + piece.lowerBound, columns)
            }
        }
        unsafe pool.giveBack(packed)
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

    /// Sums of some output channels, `[channel, row]`.
    /// - Parameter next: the first channel that this thread is likely to take next.
    private func multiplyFew(
        _ piece: Range<Int>, next: Int, _ factors: FewRows, bias: UnsafePointer<Float>?,
        to turned: UnsafeMutablePointer<Float>
    ) {
        let weights = unsafe factors.weights
        let (depth, rows) = unsafe (weights.depth, factors.panels * Panel.columns)
        for (index, column) in piece.enumerated() {
            unsafe (turned + index * rows).update(repeating: bias?[column] ?? 0, count: rows)
        }
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
                    rows: piece.count,
                    columns: rows, length: chunk.count, panels: factors.packed + chunk.lowerBound * Panel.columns,
                    panel_stride: depth * Panel.columns, bias: nil, adds: 1, y: turned, y_stride: rows,
                    y_panel_stride: Panel.columns, plus: nil,
                    next: kernels_rows(
                        from: weights.numbers + first * depth + following.lowerBound, stride: depth, rows: count,
                        length: following.count), then: kernels_rows()))
        }
    }
}

/// What few rows are multiplied with.
@unsafe private struct FewRows {
    /// The rows, `[panel, depth, 16]`.
    let packed: UnsafePointer<Float>
    let panels: Int
    let weights: LayerWeights
}
