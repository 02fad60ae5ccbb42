// Linear layers of rows in panels: the weights stand in the place of the rows, as they lie in the checkpoint, and nothing large is
// packed. The same bytes as any other way, since sums begin with the bias and go through the depth alike.

import CKernels
import Tensors

extension CPUDevice {
    /// More rows that do not stand in panels are multiplied with packed weights.
    private static let fewRows = 256

    /// Whether there are so few rows that they are best packed, and enough work for all threads.
    func isFew(_ rows: Int, _ weights: LayerWeights) -> Bool {
        unsafe kernel.keepsRowsApart && weights.taps == 1 && rows <= Self.fewRows && isWork(rows, weights)
    }

    /// Enough work for all threads.
    func isWork(_ rows: Int, _ weights: LayerWeights) -> Bool {
        unsafe rows * weights.depth * weights.columns >= 16 * Self.smallWork
    }

    /// A linear layer of rows in panels; nil where the input does not stand in them and the result is not to.
    func linearOfPanels(
        _ x: Tensor, _ weights: LayerWeights, bias: UnsafePointer<Float>?, adding shortcut: Tensor?,
        _ activation: kernels_activation
    ) throws(DeviceError) -> Tensor? {
        guard kernel.keepsRowsApart, unsafe isWork(x.count / max(x.channels, 1), weights) else { return nil }
        let shape = Array(x.shape.dropLast()) + [unsafe weights.columns]
        guard let input = panelsOfResult(x, adding: shortcut) else {
            guard let rows = unsafe panels(of: x) else { return nil }
            let added = unsafe Added(bias: bias, shortcut: try read(shortcut), activation: activation)
            return unsafe try make(shape) { result throws(DeviceError) in
                unsafe try multiply(rows, weights, adding: added, toRows: result)
            }
        }
        let output = unsafe input.with(channels: weights.columns)
        return unsafe try withPanels(x, input) { rows throws(DeviceError) in
            unsafe try withPanels(shortcut, output) { plus throws(DeviceError) in
                unsafe try makePanels(shape, output) { result in
                    let added = unsafe Added(bias: bias, shortcut: plus, activation: activation)
                    unsafe multiply(PanelProduct(rows, weights, added, to: result))
                }
            }
        }
    }

    /// `result = activation(rows weights^T + bias + shortcut)`, row by row.
    func multiply(
        _ rows: Panels, _ weights: LayerWeights, adding added: Added, toRows result: UnsafeMutablePointer<Float>
    ) throws(DeviceError) {
        let (columns, shape) = unsafe (weights.columns, rows.shape)
        let pieces = ChannelPieces(columns, lanes: loop.lanes)
        let groups = PanelGroups(shape.panels)
        unsafe try withScratch(pieces.size * Panel.columns * groups.size) { scratch in
            loop.run(groups.count * pieces.count) { item, lane in
                let (piece, group) = (pieces[item % pieces.count], groups[item / pieces.count])
                let turned = unsafe scratch(lane)
                let numbers = piece.count * Panel.columns
                unsafe multiply(
                    piece, next: pieces.next(item, of: groups.count, lanes: loop.lanes), group,
                    PanelProduct(rows, weights, Added(bias: added.bias, shortcut: nil), to: turned), to: turned,
                    panelStride: numbers)
                for panel in group {
                    let range = shape.rows(of: panel)
                    let at = range.lowerBound * columns + piece.lowerBound
                    unsafe kernels_transpose(
                        turned + (panel - group.lowerBound) * numbers, Panel.columns, piece.count, range.count, 1,
                        added.shortcut.map { unsafe $0 + at }, result + at, columns)
                    if unsafe added.activation.isNone { continue }
                    unsafe kernels_activate(
                        added.activation, result + at, columns, result + at, columns, range.count, piece.count)
                }
            }
        }
    }

    /// All channels of all panels, shared by all threads.
    func multiply(_ product: PanelProduct) {
        let columns = unsafe product.weights.columns
        let pieces = ChannelPieces(columns, lanes: loop.lanes)
        let groups = unsafe PanelGroups(product.rows.shape.panels)
        loop.run(groups.count * pieces.count) { item, _ in
            let (piece, group) = (pieces[item % pieces.count], groups[item / pieces.count])
            let at = (group.lowerBound * columns + piece.lowerBound) * Panel.columns
            unsafe multiply(
                piece, next: pieces.next(item, of: groups.count, lanes: loop.lanes), group, product,
                to: product.result + at, panelStride: columns * Panel.columns)
        }
    }

    /// Sums of some output channels and panels, `[panel, channel, 16]`.
    /// - Parameters:
    ///   - next: the first channel that this thread is likely to take next.
    ///   - panelStride: numbers from a panel of the sums to the next.
    func multiply(
        _ piece: Range<Int>, next: Int, _ panels: Range<Int>, _ product: PanelProduct,
        to sums: UnsafeMutablePointer<Float>, panelStride: Int
    ) {
        let (weights, width) = unsafe (product.weights, Panel.columns)
        let (depth, chunks) = unsafe (weights.depth, weights.chunks)
        let plus = unsafe product.added.shortcut.map { unsafe $0 + (sums - product.result) }
        for index in 0..<chunks.count {
            let chunk = chunks[index]
            let isLast = index + 1 == chunks.count
            let first = unsafe isLast ? min(next, weights.columns) : piece.lowerBound
            let following = isLast ? chunks[0] : chunks[index + 1]
            let nextWeights = unsafe kernels_rows(
                from: weights.numbers + first * depth + following.lowerBound, stride: depth,
                rows: min(piece.count, weights.columns - first), length: following.count)
            let all = panels.count
            let step = PanelGroups.step(all)
            for start in stride(from: 0, to: all, by: step) {
                let end = min(start + step, all)
                let from = unsafe product.rows.base + ((panels.lowerBound + start) * depth + chunk.lowerBound) * width
                let nextPanels = unsafe kernels_rows(
                    from: from + (end - start) * depth * width, stride: depth * width, rows: min(step, all - end),
                    length: chunk.count * width)
                unsafe kernel.multiply(
                    kernels_product(
                        x: weights.numbers + piece.lowerBound * depth + chunk.lowerBound, x_stride: depth,
                        rows: piece.count, columns: (end - start) * width, length: chunk.count, panels: from,
                        panel_stride: depth * width, bias: nil,
                        row_bias: product.added.bias.map { unsafe $0 + piece.lowerBound }, adds: index > 0 ? 1 : 0,
                        y: sums + start * panelStride, y_stride: width, y_panel_stride: panelStride,
                        plus: isLast ? plus.map { unsafe $0 + start * panelStride } : nil,
                        activation: isLast ? product.added.activation : .none,
                        next: end < all ? nextPanels : nextWeights, then: kernels_rows()))
            }
        }
    }
}

/// Rows in panels, what they are multiplied with, what is added, and where the result goes.
@unsafe struct PanelProduct {
    let rows: Panels
    let weights: LayerWeights
    let added: Added
    let result: UnsafeMutablePointer<Float>

    init(_ rows: Panels, _ weights: LayerWeights, _ added: Added, to result: UnsafeMutablePointer<Float>) {
        unsafe (self.rows, self.weights, self.added, self.result) = (rows, weights, added, result)
    }
}

/// Panels in groups that stay in the last cache while all channels pass.
struct PanelGroups {
    let count: Int
    private let panels: Int

    /// 2,048 rows.
    private static let most = 128

    init(_ panels: Int) {
        self.panels = panels
        count = (panels + Self.most - 1) / Self.most
    }

    subscript(_ index: Int) -> Range<Int> { index * panels / count..<(index + 1) * panels / count }

    /// Panels of the largest group.
    var size: Int { count == 0 ? 0 : (panels + count - 1) / count }

    /// How many panels are multiplied at once, asking for those that follow. All where they are so few that they stay in the
    /// second cache: then it is the next weights that are asked for.
    static func step(_ panels: Int) -> Int { panels < 16 ? max(panels, 1) : 4 }
}

/// Output channels in pieces, as many for each thread.
struct ChannelPieces {
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

    /// The first channel that a thread is likely to take after `item`, where groups of panels follow one another and each goes through all
    /// pieces; `Int.max` if there is none.
    func next(_ item: Int, of groups: Int, lanes: Int) -> Int {
        let following = item + lanes
        return following < groups * count ? following % count * size : .max
    }
}
