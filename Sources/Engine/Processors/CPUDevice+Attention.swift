// Attention in tiles of queries against pieces of keys, so that scores stay in cache (Dao et al., FlashAttention, 2022).
//
// Scores are computed key by key, sixteen queries to a vector: the softmax then needs no sums across a vector, its weights are
// the panels of the product with the values as they stand, and heads of any size fill their vectors.

import CKernels
public import Tensors

extension CPUDevice {
    /// Lays out each head's keys and values, then takes tiles of queries through pieces of keys. The result stands in panels
    /// where the queries do.
    public func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool)
        throws(DeviceError) -> Tensor
    {
        let (samples, count, channels) = (queries.shape[0], queries.shape[1], queries.shape[2])
        let shape = AttentionShape(keys: keys.shape[1], size: channels / heads, channels: channels, isCausal: isCausal)
        let tiles = (count + AttentionShape.tileQueries - 1) / AttentionShape.tileQueries
        let panels = unsafe panels(of: queries)
        let q = if let panels = unsafe panels { unsafe panels.base } else { unsafe try read(queries) }
        let each = shape.keyNumbers + shape.valueNumbers
        let laidOut = unsafe try pool.take(samples * heads * each)
        defer { unsafe pool.giveBack(laidOut) }
        unsafe try layOut(keys, values, shape, heads: heads, to: laidOut.base)
        let isSmall = queries.count * shape.keys < Self.smallWork
        let computeTiles = { (result: UnsafeMutablePointer<Float>) throws(DeviceError) in
            unsafe try self.withScratch(shape.scratchNumbers) { scratch in
                self.loop.run(samples * heads * tiles, alone: isSmall) { item, lane in
                    let (tile, head, sample) = (item % tiles, item / tiles % heads, item / tiles / heads)
                    let start = tile * AttentionShape.tileQueries
                    let place =
                        unsafe panels.map { unsafe QueryPlace(head, of: shape, $0.shape, sample: sample, row: start) }
                        ?? QueryPlace(head, of: shape, row: sample * count + start)
                    let base = unsafe laidOut.base + (sample * heads + head) * each
                    let one = unsafe AttentionTile(
                        kernel: self.kernel, shape: shape, place: place, queries: q + place.start, keys: base,
                        values: base + shape.keyNumbers, result: result + place.start, scratch: scratch(lane),
                        rows: min(AttentionShape.tileQueries, count - start), firstQuery: start)
                    unsafe one.compute()
                }
            }
        }
        guard let panels = unsafe panels else { return unsafe try make(queries.shape, computeTiles) }
        return unsafe try makePanels(queries.shape, panels.shape, computeTiles)
    }

    /// Each head's keys `[keys, size]`, then its values `[pieces, size, keys of the piece]`.
    private func layOut(
        _ keys: Tensor, _ values: Tensor, _ shape: AttentionShape, heads: Int, to base: UnsafeMutablePointer<Float>
    ) throws(DeviceError) {
        let (samples, each) = (keys.shape[0], shape.keyNumbers + shape.valueNumbers)
        let isSmall = keys.count < Self.smallWork
        if let k = unsafe panels(of: keys), let v = unsafe panels(of: values), unsafe k.shape == v.shape {
            loop.run(samples * heads, alone: isSmall) { item, _ in
                let (sample, head) = (item / heads, item % heads)
                for panel in unsafe 0..<k.shape.each {
                    let from =
                        unsafe (sample * k.shape.each + panel) * k.shape.panelCount
                        + head * shape.size * Panel.columns
                    unsafe shape.layOut(panel, k.base + from, v.base + from, to: base + item * each)
                }
            }
            return
        }
        let (k, v) = unsafe (try read(keys), try read(values))
        let pieces = (shape.keys + AttentionShape.pieceKeys - 1) / AttentionShape.pieceKeys
        loop.run(samples * heads * pieces, alone: isSmall) { item, _ in
            let (head, first) = (item / pieces, item % pieces * AttentionShape.pieceKeys)
            let count = min(AttentionShape.pieceKeys, shape.keys - first)
            let from = (head / heads * shape.keys + first) * shape.channels + head % heads * shape.size
            let to = unsafe base + head * each + first * shape.size
            for key in 0..<count {
                unsafe (to + key * shape.size).update(from: k + from + key * shape.channels, count: shape.size)
            }
            unsafe kernels_transpose(
                v + from, shape.channels, count, shape.size, 1, nil, to + shape.keyNumbers, count)
        }
    }
}

/// What all tiles of one attention have in common.
private struct AttentionShape {
    let keys: Int
    /// Channels of a head, and numbers from position to position.
    let size: Int, channels: Int
    let isCausal: Bool

    /// Keys of a piece: their scores for two panels take 60 KB. Sums are rescaled with each, so it decides last bits.
    static let pieceKeys = 480
    /// Queries of a tile.
    static let tileQueries = 96
    static let width = Int(KERNELS_ATTENTION_QUERIES)
    /// Panels of queries that go through a piece of keys together: as many as AVX-512 multiplies at once.
    static let panels = 2

    var keyNumbers: Int { keys * size }
    var valueNumbers: Int { keyNumbers }

    /// A panel of a head's keys and values `[size, 16]`; pieces begin with panels.
    func layOut(
        _ panel: Int, _ k: UnsafePointer<Float>, _ v: UnsafePointer<Float>, to base: UnsafeMutablePointer<Float>
    ) {
        let first = panel * Panel.columns
        let count = min(Panel.columns, keys - first)
        unsafe kernels_transpose(k, Panel.columns, size, count, 1, nil, base + first * size, size)
        let piece = first / Self.pieceKeys * Self.pieceKeys
        let pieceKeys = min(Self.pieceKeys, keys - piece)
        let to = unsafe base + keyNumbers + piece * size + first - piece
        for channel in 0..<size {
            unsafe (to + channel * pieceKeys).update(from: v + channel * Panel.columns, count: count)
        }
    }

    /// Queries and sums of a tile, scores of some panels, maxima, sums and factors.
    var scratchNumbers: Int { Self.tileQueries * (2 * size + 3) + Self.panels * Self.width * Self.pieceKeys }
}

/// Where a head's queries of a tile stand, and its results.
private struct QueryPlace {
    /// The first one's first number.
    let start: Int
    /// Numbers from a panel of queries to the next, where they stand in panels; from a row to the next elsewhere.
    let stride: Int
    let isInPanels: Bool

    /// From a row on.
    init(_ head: Int, of shape: AttentionShape, row: Int) {
        (start, stride, isInPanels) = (row * shape.channels + head * shape.size, shape.channels, false)
    }

    /// From a sample's row on, which begins a panel.
    init(_ head: Int, of shape: AttentionShape, _ panels: PanelShape, sample: Int, row: Int) {
        let panel = sample * panels.each + row / Panel.columns
        start = panel * panels.panelCount + head * shape.size * Panel.columns
        (stride, isInPanels) = (panels.panelCount, true)
    }
}

/// One head's queries of a tile against all keys.
@unsafe private struct AttentionTile {
    let kernel: ProductKernel
    let shape: AttentionShape
    let place: QueryPlace
    let queries: UnsafePointer<Float>
    /// `[keys, size]`.
    let keys: UnsafePointer<Float>
    /// `[pieces, size, keys of the piece]`.
    let values: UnsafePointer<Float>
    let result: UnsafeMutablePointer<Float>
    let scratch: UnsafeMutablePointer<Float>
    let rows: Int, firstQuery: Int

    private typealias Numbers = UnsafeMutablePointer<Float>

    /// Softmax over all keys in one pass: each piece rescales what the pieces before it gave.
    func compute() {
        let width = AttentionShape.width
        let panels = unsafe (rows + width - 1) / width
        let scaled = unsafe scratch
        let summed = unsafe scaled + AttentionShape.tileQueries * shape.size
        let statistics = unsafe summed + AttentionShape.tileQueries * shape.size
        let scores = unsafe statistics + AttentionShape.tileQueries * 3
        unsafe scaleQueries(to: scaled)
        for panel in 0..<panels {
            unsafe (statistics + panel * 3 * width).update(repeating: -.infinity, count: width)
            unsafe (statistics + (panel * 3 + 1) * width).update(repeating: 0, count: 2 * width)
        }
        for first in unsafe stride(from: 0, to: shape.keys, by: AttentionShape.pieceKeys) {
            if unsafe shape.isCausal, unsafe first >= firstQuery + rows { break }
            for panel in stride(from: 0, to: panels, by: AttentionShape.panels) {
                let group = panel..<min(panel + AttentionShape.panels, panels)
                unsafe addPiece(first, group, scaled, scores, statistics, to: summed)
            }
        }
        unsafe storeResult(summed, statistics)
    }

    /// queries log2(e) / sqrt(size), panel by panel `[panel, size, query]`; what the last panel lacks is of no meaning.
    private func scaleQueries(to scaled: Numbers) {
        let width = AttentionShape.width
        let scale = unsafe 1.442695040888963 / Float(shape.size).squareRoot()
        for first in unsafe stride(from: 0, to: rows, by: width) {
            let to = unsafe scaled + first * shape.size
            if unsafe place.isInPanels {
                let from = unsafe queries + first / width * place.stride
                unsafe kernels_scale(from, scale, to, width * shape.size)
                continue
            }
            let count = unsafe min(width, rows - first)
            if count < width { unsafe to.update(repeating: 0, count: width * shape.size) }
            unsafe kernels_transpose(
                queries + first * place.stride, place.stride, count, shape.size, scale, nil, to, width)
        }
    }

    /// A piece's keys against some panels of queries, softmax, and the weighted values.
    private func addPiece(
        _ first: Int, _ group: Range<Int>, _ scaled: Numbers, _ scores: Numbers, _ statistics: Numbers,
        to summed: Numbers
    ) {
        let (width, size) = unsafe (AttentionShape.width, shape.size)
        let stored = unsafe min(AttentionShape.pieceKeys, shape.keys - first)
        // No query of these panels sees keys behind the last of them.
        let count = unsafe shape.isCausal ? min(stored, firstQuery + group.upperBound * width - first) : stored
        if count <= 0 { return }
        let panelScores = count * width
        let columns = group.count * width
        let offset = group.lowerBound * width * size
        unsafe kernel.multiply(
            kernels_product(
                x: keys + first * size, x_stride: size, rows: count, columns: columns, length: size,
                panels: scaled + offset, panel_stride: size * width, bias: nil, row_bias: nil, adds: 0, y: scores,
                y_stride: width,
                y_panel_stride: panelScores, plus: nil, activation: .none, next: kernels_rows(),
                then: kernels_rows()))
        for panel in group {
            let panelScore = unsafe scores + (panel - group.lowerBound) * panelScores
            let ahead = unsafe firstQuery + panel * width - first
            if unsafe shape.isCausal { unsafe kernels_mask_later(panelScore, count, ahead, -.infinity) }
            let (maxima, sums) = unsafe (statistics + panel * 3 * width, statistics + (panel * 3 + 1) * width)
            let factors = unsafe sums + width
            unsafe kernels_softmax_piece(panelScore, count, maxima, sums, factors)
            // Not just very little, so that later positions leave no trace.
            if unsafe shape.isCausal { unsafe kernels_mask_later(panelScore, count, ahead, 0) }
            if first > 0 { unsafe kernels_scale_queries(summed + panel * width * size, size, factors) }
        }
        unsafe kernel.multiply(
            kernels_product(
                x: values + first * size, x_stride: stored, rows: size, columns: columns,
                length: count,
                panels: scores, panel_stride: panelScores, bias: nil, row_bias: nil, adds: first > 0 ? 1 : 0,
                y: summed + offset,
                y_stride: width, y_panel_stride: size * width, plus: nil, activation: .none, next: kernels_rows(),
                then: kernels_rows()))
    }

    /// Sums over what they were weighed with, as the queries stand.
    private func storeResult(_ summed: Numbers, _ statistics: Numbers) {
        let (width, size) = unsafe (AttentionShape.width, shape.size)
        for first in unsafe stride(from: 0, to: rows, by: width) {
            let sums = unsafe statistics + first * 3 + width
            for query in 0..<width { unsafe sums[query] = 1 / sums[query] }
            let from = unsafe summed + first * size
            unsafe kernels_scale_queries(from, size, sums)
            if unsafe place.isInPanels {
                unsafe (result + first / width * place.stride).update(from: from, count: width * size)
                continue
            }
            unsafe kernels_transpose(
                from, width, size, min(width, rows - first), 1, nil, result + first * place.stride, place.stride)
        }
    }
}
