// The weights of a layer as the checkpoint holds them, and the pieces in which products read them.

import CKernels

/// What products read at once of their weights: one number of each of 16 columns.
enum Panel {
    static let columns = Int(KERNELS_PANEL_COLUMNS)
}

/// Weights `[columns, inputs, taps]`; a linear layer has one tap.
///
/// Unless the rows stand in panels or are few, they are packed piece by piece while a product runs, into memory that stays in the second
/// cache. That costs about half a cycle a number, and a product of 512 rows takes sixteen; in return nothing is kept beside the
/// file's own pages, which all workers of a host share.
@unsafe struct LayerWeights {
    let numbers: UnsafePointer<Float>
    let columns: Int, inputs: Int, taps: Int

    /// Steps of the depth.
    var depth: Int { unsafe inputs * taps }
    /// Panels of 16 columns.
    var panels: Int { unsafe (columns + Panel.columns - 1) / Panel.columns }
    /// Pieces of the depth.
    var chunks: DepthChunks { unsafe DepthChunks(inputs: inputs, taps: taps) }

    /// Some inputs of some panels, as they lie in the checkpoint.
    func rows(panels: Range<Int>, inputs chunk: Range<Int>) -> kernels_rows {
        let first = panels.lowerBound * Panel.columns
        return unsafe kernels_rows(
            from: numbers + first * depth + chunk.lowerBound * taps, stride: depth,
            rows: max(0, min(panels.count * Panel.columns, columns - first)), length: chunk.count * taps)
    }

    /// Packs some inputs of some panels.
    func pack(panels: Range<Int>, inputs chunk: Range<Int>, to packed: UnsafeMutablePointer<Float>) {
        let first = panels.lowerBound * Panel.columns
        unsafe kernels_pack(
            numbers + first * depth + chunk.lowerBound * taps, depth,
            min(panels.count * Panel.columns, columns - first), chunk.count, taps, packed)
    }
}

/// How a depth of `inputs` times `taps` steps is cut: inputs in nearly equal chunks, all taps of each. Patches lie in memory
/// in that order: chunk by chunk, tap by tap, input by input.
struct DepthChunks {
    /// Inputs of all chunks but the last, which has at most as many.
    let size: Int
    let count: Int
    let inputs: Int, taps: Int

    /// Steps of a chunk: ten panels of as many take 320 KB.
    static let mostSteps = 512

    init(inputs: Int, taps: Int) {
        (self.inputs, self.taps) = (inputs, taps)
        let most = max(Self.mostSteps / max(taps, 1), 1)
        let pieces = max((inputs + most - 1) / most, 1)
        // Whole vectors, where there are several chunks.
        size = pieces == 1 ? max(inputs, 1) : min(((inputs + pieces - 1) / pieces + 7) / 8 * 8, max(most / 8 * 8, 1))
        count = (inputs + size - 1) / size
    }

    /// Inputs of a chunk.
    subscript(_ index: Int) -> Range<Int> { index * size..<min((index + 1) * size, inputs) }
}

extension kernels_rows {
    /// One of `count` nearly equal parts.
    func part(_ index: Int, of count: Int) -> kernels_rows {
        guard unsafe rows > 0 else { return unsafe kernels_rows() }
        let first = unsafe index * rows / count
        return unsafe kernels_rows(
            from: from + first * stride, stride: stride, rows: (index + 1) * rows / count - first, length: length)
    }
}
