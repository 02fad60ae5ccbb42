// Linear layers and convolutions: tiles of rows times panels of output channels, one OpenBLAS product each.

import COpenBLAS

/// How a product of `rows` rows of one sample by `columns` output channels is cut, by its shape alone.
struct ProductTiles {
    /// Rows of a tile: OpenBLAS packs the weights once a tile, so not too few; a multiple of all its kernels' rows.
    let rows: Int
    /// Output channels of a panel.
    let columns: Int
    let rowTiles: Int
    let columnPanels: Int

    init(rows: Int, columns: Int, mostRows: Int = 192) {
        self.rows = min(rows, mostRows)
        rowTiles = (rows + self.rows - 1) / max(self.rows, 1)
        // With few rows the panels are what several threads share.
        self.columns = rowTiles >= 8 ? columns : min(columns, 320)
        columnPanels = (columns + self.columns - 1) / self.columns
    }

    var count: Int { rowTiles * columnPanels }
}

extension CPUDevice {
    /// Tiles of rows times panels of output channels.
    public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?) -> Tensor {
        // A sample is what stands behind the first dimension; a plain vector is one sample of one row.
        let samples = x.shape.count > 1 ? x.shape[0] : 1
        let (inputs, outputs) = (weight.shape[1], weight.shape[0])
        let rows = x.count / max(inputs * samples, 1)
        let tiles = ProductTiles(rows: rows, columns: outputs)
        let (source, weights, shift) = unsafe (read(x), read(weight), bias.map { unsafe read($0) })
        return unsafe make(x.shape.dropLast() + [outputs]) { result in
            // Panels outermost: the samples of a batch meet the same weights while those are in cache.
            loop.run(tiles.count * samples) { item, _ in
                let (tile, sample) = (item / samples, item % samples)
                let row = tile % tiles.rowTiles * tiles.rows
                let column = tile / tiles.rowTiles * tiles.columns
                let start = sample * rows + row
                unsafe Self.product(
                    rows: min(tiles.rows, rows - row), columns: min(tiles.columns, outputs - column), depth: inputs,
                    source + start * inputs, sourceStride: inputs, weights + column * inputs,
                    bias: shift.map { unsafe $0 + column }, result + start * outputs + column, resultStride: outputs)
            }
        }
    }

    /// Gathers the patches of a tile of positions, then one product; kernels of one pixel are linear layers.
    public func convolution(_ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding) -> Tensor {
        if weight.shape[2] == 1, weight.shape[3] == 1, stride == 1, padding == Padding(0) {
            return linear(x, weight: weight.reshaped(Array(weight.shape.prefix(2))), bias: bias)
        }
        let winograd = WinogradTiles(x.shape, weight: weight.shape, stride: stride, padding: padding)
        if usesWinograd, let winograd { return self.winograd(x, weight: weight, bias: bias, winograd) }
        let gather = PatchGather(x.shape, kernel: Array(weight.shape[2...]), stride: stride, padding: padding)
        let (samples, outputs, depth) = (x.shape[0], weight.shape[0], gather.depth)
        let tiles = ProductTiles(rows: gather.positions, columns: outputs, mostRows: depth > 6000 ? 96 : 192)
        let weights = unsafe read(Tensor(storage: positionMajor(weight), shape: [outputs, depth]))
        let (source, shift) = unsafe (read(x), bias.map { unsafe read($0) })
        let sampleSize = x.count / max(samples, 1)
        return unsafe make([samples, gather.rows, gather.columns, outputs]) { result in
            unsafe withScratch(tiles.rows * depth) { scratch in
                loop.run(tiles.count * samples) { item, lane in
                    let (tile, sample) = (item / samples, item % samples)
                    let position = tile % tiles.rowTiles * tiles.rows
                    let column = tile / tiles.rowTiles * tiles.columns
                    let rows = min(tiles.rows, gather.positions - position)
                    let patches = unsafe scratch(lane)
                    unsafe gather.copy(source + sample * sampleSize, position..<position + rows, to: patches)
                    unsafe Self.product(
                        rows: rows, columns: min(tiles.columns, outputs - column), depth: depth,
                        patches, sourceStride: depth, weights + column * depth,
                        bias: shift.map { unsafe $0 + column },
                        result + (sample * gather.positions + position) * outputs + column, resultStride: outputs)
                }
            }
        }
    }

    /// `result = source weights^T + bias`: weights are `[columns, depth]` without gaps.
    static func product(
        rows: Int, columns: Int, depth: Int, _ source: UnsafePointer<Float>, sourceStride: Int,
        _ weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?, _ result: UnsafeMutablePointer<Float>,
        resultStride: Int
    ) {
        if let bias = unsafe bias {
            for row in 0..<rows { unsafe (result + row * resultStride).update(from: bias, count: columns) }
        }
        unsafe cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(columns), Int32(depth), 1, source,
            Int32(sourceStride), weights, Int32(depth), bias == nil ? 0 : 1, result, Int32(resultStride))
    }

    /// Convolution weights `[out, in, height, width]` as `[out, height, width, in]`, kept with the original.
    private func positionMajor(_ weight: Tensor) -> Storage {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let taps = weight.shape[2] * weight.shape[3]
        return weight.storage.prepared("position-major at \(weight.offset) \(weight.shape)") {
            let source = unsafe read(weight)
            return unsafe make([outputs, taps, inputs]) { result in
                forEachPiece(of: outputs, size: 16) { start, length in
                    for output in start..<start + length {
                        let from = unsafe source + output * inputs * taps
                        let to = unsafe result + output * inputs * taps
                        for tap in 0..<taps {
                            for input in 0..<inputs { unsafe to[tap * inputs + input] = from[input * taps + tap] }
                        }
                    }
                }
            }.storage
        }
    }
}
