// Attention in tiles of queries against pieces of keys, so that scores stay in cache (Dao et al., FlashAttention, 2022).

import CKernels

extension CPUDevice {
    /// Queries of a tile, and keys of a piece: their scores take 92 KB.
    private static let tileQueries = 96
    private static let pieceKeys = 240

    /// Packs each head's keys and values, then takes tiles of queries through pieces of keys.
    public func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool) -> Tensor {
        let (samples, count, channels) = (queries.shape[0], queries.shape[1], queries.shape[2])
        let (keyCount, size) = (keys.shape[1], channels / heads)
        let packed = unsafe packHeads(keys: keys, values: values, heads: heads)
        let tiles = (count + Self.tileQueries - 1) / Self.tileQueries
        let q = unsafe read(queries)
        let tensor = unsafe make(queries.shape) { result in
            unsafe withScratch(Self.tileQueries * (Self.pieceKeys + size + 3)) { scratch in
                loop.run(samples * heads * tiles) { item, lane in
                    let (tile, head, sample) = (item % tiles, item / tiles % heads, item / tiles / heads)
                    let start = tile * Self.tileQueries
                    let offset = (sample * count + start) * channels + head * size
                    let one = unsafe AttentionTile(
                        kernel: kernel, queries: q + offset, head: packed.head(sample * heads + head),
                        result: result + offset, scratch: scratch(lane),
                        rows: min(Self.tileQueries, count - start), firstQuery: start, keyCount: keyCount, size: size,
                        stride: channels, isCausal: isCausal)
                    unsafe one.compute(pieceKeys: Self.pieceKeys)
                }
            }
        }
        unsafe pool.giveBack(packed.buffer)
        return tensor
    }

    /// Keys as panels of 16 keys over a head's channels, values as panels of 16 channels over the keys.
    private func packHeads(keys: Tensor, values: Tensor, heads: Int) -> PackedHeads {
        let (count, channels) = (keys.shape[1], keys.shape[2])
        let size = channels / heads
        let columns = Panel.columns
        let keyNumbers = (count + columns - 1) / columns * columns * size
        let valueNumbers = (size + columns - 1) / columns * columns * count
        let total = keys.shape[0] * heads
        let packed = unsafe PackedHeads(
            buffer: pool.take(total * (keyNumbers + valueNumbers)), keyNumbers: keyNumbers, valueNumbers: valueNumbers)
        let (k, v) = unsafe (read(keys), read(values))
        loop.run(total) { item, _ in
            let offset = item / heads * count * channels + item % heads * size
            let head = unsafe packed.head(item)
            unsafe kernels_pack(k + offset, channels, count, size, 1, head.keys)
            unsafe kernels_pack_rows(v + offset, channels, count, size, head.values)
        }
        return unsafe packed
    }
}

/// The packed keys and values of all heads.
@unsafe private struct PackedHeads {
    let buffer: BufferPool.Buffer
    let keyNumbers: Int, valueNumbers: Int

    typealias Head = (keys: UnsafeMutablePointer<Float>, values: UnsafeMutablePointer<Float>)

    func head(_ index: Int) -> Head {
        let base = unsafe buffer.base + index * (keyNumbers + valueNumbers)
        return unsafe (base, base + keyNumbers)
    }
}

/// One head's queries of a tile against all keys.
@unsafe private struct AttentionTile {
    let kernel: ProductKernel
    let queries: UnsafePointer<Float>
    let head: PackedHeads.Head
    let result: UnsafeMutablePointer<Float>
    /// Scores `[rows, piece]`, scaled queries `[rows, size]`, then maxima, sums and factors, `rows` each.
    let scratch: UnsafeMutablePointer<Float>
    let rows: Int, firstQuery: Int, keyCount: Int
    /// Channels of a head, and numbers from position to position.
    let size: Int, stride: Int
    let isCausal: Bool

    /// Softmax over all keys in one pass: each piece rescales what the pieces before it gave.
    func compute(pieceKeys: Int) {
        let scaled = unsafe scratch + rows * pieceKeys
        let maxima = unsafe scaled + rows * size
        let sums = unsafe maxima + rows
        let factors = unsafe sums + rows
        unsafe scaleQueries(to: scaled)
        unsafe maxima.update(repeating: -.infinity, count: rows)
        unsafe sums.update(repeating: 0, count: rows)
        unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: rows) { limits in
            for first in unsafe Swift.stride(from: 0, to: keyCount, by: pieceKeys) {
                let piece = unsafe min(pieceKeys, keyCount - first)
                if unsafe isCausal, unsafe first >= firstQuery + rows { break }
                for row in unsafe 0..<rows {
                    unsafe limits[row] = isCausal ? min(piece, max(0, firstQuery + row + 1 - first)) : piece
                }
                unsafe scorePiece(scaled, first, piece)
                unsafe kernels_softmax_piece(
                    scratch, Self.scoreStride(piece), rows, piece, limits.baseAddress!, maxima, sums, factors)
                if first > 0 { unsafe kernels_scale_rows(result, stride, factors, rows, size) }
                unsafe addPiece(first, piece)
            }
        }
        for row in unsafe 0..<rows { unsafe factors[row] = 1 / sums[row] }
        unsafe kernels_scale_rows(result, stride, factors, rows, size)
    }

    /// Numbers from row to row of scores: whole vectors.
    private static func scoreStride(_ piece: Int) -> Int { (piece + 15) / 16 * 16 }

    /// queries / sqrt(size), without gaps.
    private func scaleQueries(to scaled: UnsafeMutablePointer<Float>) {
        let scale = unsafe 1 / Float(size).squareRoot()
        for row in unsafe 0..<rows {
            let (from, to) = unsafe (queries + row * stride, scaled + row * size)
            for channel in unsafe 0..<size { unsafe to[channel] = from[channel] * scale }
        }
    }

    /// scores = queries keys^T.
    private func scorePiece(_ scaled: UnsafePointer<Float>, _ first: Int, _ piece: Int) {
        unsafe kernel.multiply(
            kernels_product(
                x: scaled, x_stride: size, rows: rows, columns: piece, length: size, panels: head.keys + first * size,
                panel_stride: size * Panel.columns, bias: nil, adds: 0, y: scratch,
                y_stride: Self.scoreStride(piece)))
    }

    /// result += weights values.
    private func addPiece(_ first: Int, _ piece: Int) {
        unsafe kernel.multiply(
            kernels_product(
                x: scratch, x_stride: Self.scoreStride(piece), rows: rows, columns: size, length: piece,
                panels: head.values + first * Panel.columns,
                panel_stride: keyCount * Panel.columns, bias: nil, adds: first == 0 ? 0 : 1, y: result,
                y_stride: stride))
    }
}
