// Attention in tiles of queries against pieces of keys, so that scores stay in cache (Dao et al., FlashAttention).

import CKernels
import COpenBLAS

extension CPUDevice {
    /// Queries of a tile, and keys of a piece: their scores take 384 KB.
    private static let tileQueries = 192
    private static let pieceKeys = 512

    /// Each head takes tiles of queries through pieces of keys, whose scores stay in cache.
    public func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool) -> Tensor {
        let (samples, count, channels) = (queries.shape[0], queries.shape[1], queries.shape[2])
        let tiles = (count + Self.tileQueries - 1) / Self.tileQueries
        let keyCount = keys.shape[1]
        let (q, k, v) = unsafe (read(queries), read(keys), read(values))
        let size = channels / heads
        return unsafe make(queries.shape) { result in
            unsafe withScratch(Self.tileQueries * (Self.pieceKeys + 3)) { scratch in
                loop.run(samples * heads * tiles) { item, lane in
                    let (tile, head, sample) = (item % tiles, item / tiles % heads, item / tiles / heads)
                    let start = tile * Self.tileQueries
                    let tileOffset = (sample * count + start) * channels + head * size
                    let keyOffset = sample * keyCount * channels + head * size
                    let one = unsafe AttentionTile(
                        queries: q + tileOffset, keys: k + keyOffset, values: v + keyOffset,
                        result: result + tileOffset,
                        scratch: scratch(lane), rows: min(Self.tileQueries, count - start), firstQuery: start,
                        keyCount: keyCount, size: size, stride: channels, isCausal: isCausal)
                    unsafe one.compute(pieceKeys: Self.pieceKeys)
                }
            }
        }
    }
}

/// One head's queries of a tile against all keys.
@unsafe private struct AttentionTile {
    let queries: UnsafePointer<Float>, keys: UnsafePointer<Float>, values: UnsafePointer<Float>
    let result: UnsafeMutablePointer<Float>
    /// Scores `[rows, piece]`, then maxima, sums and factors, `rows` each.
    let scratch: UnsafeMutablePointer<Float>
    let rows: Int, firstQuery: Int, keyCount: Int
    /// Channels of a head, and numbers from position to position.
    let size: Int, stride: Int
    let isCausal: Bool

    /// Softmax over all keys in one pass: each piece rescales what the pieces before it gave.
    func compute(pieceKeys: Int) {
        let maxima = unsafe scratch + rows * pieceKeys
        let sums = unsafe maxima + rows
        let factors = unsafe sums + rows
        unsafe maxima.update(repeating: -.infinity, count: rows)
        unsafe sums.update(repeating: 0, count: rows)
        unsafe withUnsafeTemporaryAllocation(of: Int.self, capacity: rows) { limits in
            for first in unsafe Swift.stride(from: 0, to: keyCount, by: pieceKeys) {
                let piece = unsafe min(pieceKeys, keyCount - first)
                if unsafe isCausal, unsafe first >= firstQuery + rows { break }
                for row in unsafe 0..<rows {
                    unsafe limits[row] = isCausal ? min(piece, max(0, firstQuery + row + 1 - first)) : piece
                }
                unsafe scorePiece(first, piece)
                unsafe kernels_softmax_piece(scratch, rows, piece, limits.baseAddress!, maxima, sums, factors)
                if first > 0 { unsafe kernels_scale_rows(result, stride, factors, rows, size) }
                unsafe addPiece(first, piece)
            }
        }
        for row in unsafe 0..<rows { unsafe factors[row] = 1 / sums[row] }
        unsafe kernels_scale_rows(result, stride, factors, rows, size)
    }

    /// scores = queries keys^T / sqrt(size).
    private func scorePiece(_ first: Int, _ piece: Int) {
        unsafe cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(piece), Int32(size),
            1 / Float(size).squareRoot(), queries, Int32(stride), keys + first * stride, Int32(stride), 0, scratch,
            Int32(piece))
    }

    /// result += weights values.
    private func addPiece(_ first: Int, _ piece: Int) {
        unsafe cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(rows), Int32(size), Int32(piece), 1, scratch,
            Int32(piece), values + first * stride, Int32(stride), first == 0 ? 0 : 1, result, Int32(stride))
    }
}
