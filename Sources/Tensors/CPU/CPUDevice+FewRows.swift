// Linear layers of few rows, which are bound by reading their weights: the weights stand in the place of the rows, as they lie
// in the checkpoint, and the few rows in panels. Nothing large is packed, and what comes next is asked for meanwhile.

import CKernels

extension CPUDevice {
    /// More rows are multiplied with packed weights.
    static let fewRows = 256
    /// Output channels of a piece, at most.
    private static let pieceColumns = 96

    /// `result = source weights^T + bias`, shared by all threads: the same bytes as any other way, since sums begin with the
    /// bias and go through the depth alike.
    func multiplyFew(
        _ rows: Int, _ source: UnsafePointer<Float>, _ weights: LayerWeights, bias: UnsafePointer<Float>?,
        _ result: UnsafeMutablePointer<Float>
    ) {
        let (depth, columns) = unsafe (weights.depth, weights.columns)
        let panels = (rows + Panel.columns - 1) / Panel.columns
        let packed = unsafe pool.take(panels * Panel.columns * depth)
        loop.run(panels) { panel, _ in
            let row = panel * Panel.columns
            unsafe kernels_pack(
                source + row * depth, depth, min(Panel.columns, rows - row), depth, 1, packed.base + row * depth)
        }
        // As many for each thread.
        let pieces = (columns + Self.pieceColumns * loop.lanes - 1) / (Self.pieceColumns * loop.lanes) * loop.lanes
        let size = (columns + pieces - 1) / pieces
        unsafe withScratch(size * panels * Panel.columns) { scratch in
            loop.run((columns + size - 1) / size) { item, lane in
                let piece = item * size..<min((item + 1) * size, columns)
                let turned = unsafe scratch(lane)
                unsafe multiplyFew(
                    piece, nextPiece: piece.lowerBound + size * loop.lanes, UnsafePointer(packed.base), panels, weights,
                    bias: bias, to: turned)
                unsafe kernels_transpose(
                    turned, panels * Panel.columns, piece.count, rows, 1, result + piece.lowerBound, columns)
            }
        }
        unsafe pool.giveBack(packed)
    }

    /// Sums of some output channels, `[channel, row]`.
    private func multiplyFew(
        _ piece: Range<Int>, nextPiece: Int, _ packed: UnsafePointer<Float>, _ panels: Int, _ weights: LayerWeights,
        bias: UnsafePointer<Float>?, to turned: UnsafeMutablePointer<Float>
    ) {
        let (depth, rows) = unsafe (weights.depth, panels * Panel.columns)
        for (index, column) in piece.enumerated() {
            unsafe (turned + index * rows).update(repeating: bias?[column] ?? 0, count: rows)
        }
        let numbers = unsafe weights.numbers + piece.lowerBound * depth
        let chunks = unsafe weights.chunks
        for index in 0..<chunks.count {
            let chunk = chunks[index]
            let next: kernels_rows
            if index + 1 < chunks.count {
                let following = chunks[index + 1]
                unsafe next = kernels_rows(
                    from: numbers + following.lowerBound, stride: depth, rows: piece.count, length: following.count)
            } else {
                // What this thread is likely to take next.
                let first = unsafe min(nextPiece, weights.columns)
                unsafe next = kernels_rows(
                    from: weights.numbers + first * depth, stride: depth,
                    rows: min(piece.count, weights.columns - first), length: chunks[0].count)
            }
            unsafe kernel.multiply(
                kernels_product(
                    x: numbers + chunk.lowerBound, x_stride: depth, rows: piece.count, columns: rows,
                    length: chunk.count,
                    panels: packed + chunk.lowerBound * Panel.columns, panel_stride: depth * Panel.columns, bias: nil,
                    adds: 1, y: turned, y_stride: rows, y_panel_stride: Panel.columns, next: next))
        }
    }
}
