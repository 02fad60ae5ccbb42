// Linear layers of few rows, which are bound by reading their weights: the weights stand in the place of the rows, as they lie
// in the checkpoint, and the few rows in panels. Nothing large is packed, and what comes next is asked for meanwhile.
//
// Tokens stay in panels from one layer to the next: turning them to rows and back goes through the last cache each time, which
// cost a twelfth of a text's time while other programs used that cache as well.

import CKernels

extension CPUDevice {
    /// More rows are multiplied with packed weights.
    private static let fewRows = 256

    /// Whether there are so few rows, and enough work for all threads.
    func isFew(_ rows: Int, _ weights: LayerWeights) -> Bool {
        unsafe rows <= Self.fewRows && rows * weights.depth * weights.columns >= 16 * Self.smallWork
    }

    /// How the rows of a few tokens stand in panels, if a layer is to leave them there: where its input does so, or
    /// where nothing in rows is to be added.
    func panelsOfResult(_ x: Tensor, adding shortcut: Tensor?) -> PanelShape? {
        if let storage = panelStorage(x) { return storage.shape }
        guard x.shape.count == 3, shortcut.map({ panelStorage($0) != nil }) ?? true else { return nil }
        let shape = PanelShape(samples: x.shape[0], rows: x.shape[1], channels: x.channels)
        return shape.isTight ? shape : nil
    }

    /// A linear layer of few rows: the same bytes as any other way, since sums begin with the bias and go through the depth alike.
    func linearOfFew(_ x: Tensor, _ weights: LayerWeights, bias: UnsafePointer<Float>?, adding shortcut: Tensor?) -> Tensor {
        let columns = unsafe weights.columns
        let shape = Array(x.shape.dropLast()) + [columns]
        guard let input = panelsOfResult(x, adding: shortcut) else {
            let added = unsafe Added(bias: bias, shortcut: shortcut.map { unsafe read($0) })
            return unsafe make(shape) { result in
                unsafe multiplyFew(x.count / x.channels, read(x), weights, adding: added, result)
            }
        }
        return unsafe withPanels(of: x, input, adding: shortcut, input.with(channels: columns)) { rows, plus in
            unsafe makePanels(shape, input.with(channels: columns)) { result in
                unsafe multiplyFew(
                    FewRows(rows, weights), adding: Added(bias: bias, shortcut: plus), toPanels: result)
            }
        }
    }

    /// The panels of a tensor and of its shortcut while `body` runs.
    private func withPanels(
        of x: Tensor, _ shape: PanelShape, adding shortcut: Tensor?, _ result: PanelShape,
        _ body: (Panels, UnsafePointer<Float>?) -> Tensor
    ) -> Tensor {
        let rows = unsafe panels(x, shape)
        defer { unsafe giveBack(rows) }
        guard let shortcut else { return unsafe body(rows, nil) }
        let plus = unsafe panels(shortcut, result)
        defer { unsafe giveBack(plus) }
        return unsafe body(rows, plus.base)
    }

    /// `result = source weights^T + bias + shortcut`, row by row, shared by all threads.
    func multiplyFew(
        _ rows: Int, _ source: UnsafePointer<Float>, _ weights: LayerWeights, adding added: Added,
        _ result: UnsafeMutablePointer<Float>
    ) {
        let packed = unsafe packPanels(source, PanelShape(samples: 1, rows: rows, channels: weights.depth))
        unsafe multiplyFew(FewRows(packed, weights), adding: added, toRows: result)
        unsafe giveBack(packed)
    }

    private func multiplyFew(_ factors: FewRows, adding added: Added, toRows result: UnsafeMutablePointer<Float>) {
        let columns = unsafe factors.weights.columns
        let (pieces, width, shape) = unsafe (FewPieces(columns, lanes: loop.lanes), Panel.columns, factors.rows.shape)
        unsafe withScratch(pieces.size * width * shape.panels) { scratch in
            loop.run(pieces.count) { item, lane in
                let (piece, turned) = unsafe (pieces[item], scratch(lane))
                unsafe multiplyFew(
                    piece, next: piece.lowerBound + pieces.size * loop.lanes, factors, bias: added.bias, plus: nil,
                    to: turned, panelStride: piece.count * width)
                for panel in 0..<shape.panels {
                    let rows = shape.rows(of: panel)
                    let at = rows.lowerBound * columns + piece.lowerBound
                    unsafe kernels_transpose(
                        turned + panel * width * piece.count, width, piece.count, rows.count, 1,
                        added.shortcut.map { unsafe $0 + at }, result + at, columns)
                }
            }
        }
    }

    private func multiplyFew(_ factors: FewRows, adding added: Added, toPanels result: UnsafeMutablePointer<Float>) {
        let columns = unsafe factors.weights.columns
        let pieces = FewPieces(columns, lanes: loop.lanes)
        loop.run(pieces.count) { item, _ in
            let piece = pieces[item]
            let at = piece.lowerBound * Panel.columns
            unsafe multiplyFew(
                piece, next: piece.lowerBound + pieces.size * loop.lanes, factors, bias: added.bias,
                plus: added.shortcut.map { unsafe $0 + at }, to: result + at, panelStride: columns * Panel.columns)
        }
    }

    /// A perceptron of few rows: what lies between its layers is left in panels as the second layer reads them.
    func perceptronOfFew(_ x: Tensor, _ layers: PerceptronLayers, adding shortcut: Tensor?) -> Tensor {
        let (wide, outputs) = unsafe (layers.contraction.depth, layers.contraction.columns)
        let shape = Array(x.shape.dropLast()) + [outputs]
        let inPanels = panelsOfResult(x, adding: shortcut)
        let input = inPanels ?? PanelShape(samples: 1, rows: x.count / x.channels, channels: x.channels)
        let hidden = unsafe pool.take(input.with(channels: wide).count)
        defer { unsafe pool.giveBack(hidden) }
        let between = unsafe FewRows(
            UnsafePointer(hidden.base), input.with(channels: wide), layers.contraction)
        let bias = unsafe layers.added.bias
        guard inPanels != nil else {
            let rows = unsafe packPanels(read(x), input)
            unsafe expandFew(FewRows(rows, layers.expansion), layers, to: hidden.base)
            unsafe giveBack(rows)
            return unsafe make(shape) { result in
                let added = unsafe Added(bias: bias, shortcut: shortcut.map { unsafe read($0) })
                unsafe multiplyFew(between, adding: added, toRows: result)
            }
        }
        return unsafe withPanels(of: x, input, adding: shortcut, input.with(channels: outputs)) { rows, plus in
            unsafe expandFew(FewRows(rows, layers.expansion), layers, to: hidden.base)
            return unsafe makePanels(shape, input.with(channels: outputs)) { result in
                unsafe multiplyFew(between, adding: Added(bias: bias, shortcut: plus), toPanels: result)
            }
        }
    }

    /// The first layer and the nonlinearity, `[panel, channel, 16]`.
    private func expandFew(_ factors: FewRows, _ layers: PerceptronLayers, to hidden: UnsafeMutablePointer<Float>) {
        let width = Panel.columns
        let (channels, bias) = unsafe (layers.contraction.depth, layers.bias)
        let pieces = unsafe FewPieces(
            channels, most: layers.isGated ? FewPieces.most / 2 : FewPieces.most, lanes: loop.lanes)
        let (panelStride, panels) = unsafe (channels * width, factors.rows.shape.panels)
        unsafe withScratch(2 * pieces.size * width * panels) { scratch in
            loop.run(pieces.count) { item, lane in
                let piece = pieces[item]
                let following = piece.lowerBound + pieces.size * loop.lanes
                let to = unsafe hidden + piece.lowerBound * width
                let numbers = piece.count * width
                switch unsafe layers.activation {
                case .pointwise(let activation):
                    unsafe multiplyFew(
                        piece, next: following, factors, bias: bias, plus: nil, to: to, panelStride: panelStride)
                    for panel in 0..<panels {
                        let part = unsafe to + panel * panelStride
                        unsafe Self.apply(activation, part, part, numbers)
                    }
                case .gatedGelu:
                    // Values, then gates.
                    let both = unsafe scratch(lane)
                    let gates = piece.lowerBound + channels..<piece.upperBound + channels
                    unsafe multiplyFew(
                        piece, next: gates.lowerBound, factors, bias: bias, plus: nil, to: both,
                        panelStride: 2 * numbers)
                    unsafe multiplyFew(
                        gates, next: following, factors, bias: bias, plus: nil, to: both + numbers,
                        panelStride: 2 * numbers)
                    unsafe kernels_gated_gelu(both, 2 * numbers, to, panelStride, panels, numbers)
                }
            }
        }
    }

    /// Sums of some output channels, `[panel, channel, 16]`.
    /// - Parameters:
    ///   - next: the first channel that this thread is likely to take next.
    ///   - plus: what is added to them, where the sums have their own.
    ///   - panelStride: numbers from a panel of the sums to the next.
    private func multiplyFew(
        _ piece: Range<Int>, next: Int, _ factors: FewRows, bias: UnsafePointer<Float>?, plus: UnsafePointer<Float>?,
        to sums: UnsafeMutablePointer<Float>, panelStride: Int
    ) {
        let (weights, width, panels) = unsafe (factors.weights, Panel.columns, factors.rows.shape.panels)
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
                    rows: piece.count, columns: panels * width, length: chunk.count,
                    panels: factors.rows.base + chunk.lowerBound * width, panel_stride: depth * width, bias: nil,
                    row_bias: bias.map { unsafe $0 + piece.lowerBound }, adds: index > 0 ? 1 : 0, y: sums,
                    y_stride: width, y_panel_stride: panelStride, plus: isLast ? plus : nil,
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
    /// The rows, over the depth.
    let rows: (base: UnsafePointer<Float>, shape: PanelShape)
    let weights: LayerWeights

    init(_ rows: Panels, _ weights: LayerWeights) { unsafe self.init(rows.base, rows.shape, weights) }

    init(_ base: UnsafePointer<Float>, _ shape: PanelShape, _ weights: LayerWeights) {
        unsafe (self.rows, self.weights) = ((base, shape), weights)
    }
}
