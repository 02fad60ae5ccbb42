// 3x3 convolutions by Winograd's F(4x4, 3x3): a quarter of the multiplications (Lavin and Gray, 2016).
//
// Weights are transformed while the convolution runs, a group of output channels at a time, and not kept: transformed they
// take four times the memory, and reading that much takes longer than transforming anew.

import CKernels

extension CPUDevice {
    /// Block by block of tiles, which count on from sample to sample: transforms the inputs, then group by group of output
    /// channels transforms weights, multiplies, and transforms back.
    func winograd(_ x: Tensor, weight: Tensor, bias: Tensor?, _ tiles: WinogradTiles) -> Tensor {
        let shape = [x.shape[0], tiles.rows, tiles.columns, weight.shape[0]]
        return unsafe make(shape) { result in
            let run = unsafe WinogradRun(
                device: self, tiles: tiles, source: read(x), height: x.shape[1], width: x.shape[2],
                inputs: x.channels, outputs: weight.shape[0], weights: read(weight),
                bias: bias.map { unsafe read($0) }, result: result)
            unsafe run.compute(samples: x.shape[0])
        }
    }
}

/// One convolution.
@unsafe private struct WinogradRun {
    let device: CPUDevice
    let tiles: WinogradTiles
    let source: UnsafePointer<Float>
    let height: Int, width: Int, inputs: Int, outputs: Int
    let weights: UnsafePointer<Float>
    let bias: UnsafePointer<Float>?
    let result: UnsafeMutablePointer<Float>

    private static let products = Int(KERNELS_WINOGRAD_PRODUCTS)

    /// Numbers from one of the 36 products to the next: a line more than needed, or all begin in the same set of the cache.
    private static func stride(_ count: Int) -> Int { count + 16 }

    func compute(samples: Int) {
        let panels = unsafe outputs / Panel.columns
        let total = unsafe samples * tiles.count
        let blocks = unsafe WinogradBlocks(tiles: total, inputs: inputs, panels: panels)
        let groupColumns = blocks.panels * Panel.columns
        let pool = unsafe device.pool
        let before = unsafe pool.take(Self.products * Self.stride(blocks.tiles * inputs))
        let after = unsafe pool.take(Self.products * Self.stride(blocks.tiles * groupColumns))
        let turned = unsafe pool.take(Self.products * Self.stride(groupColumns * inputs))
        for first in Swift.stride(from: 0, to: total, by: blocks.tiles) {
            let range = first..<min(first + blocks.tiles, total)
            unsafe transformInputs(range, to: before.base)
            for panel in Swift.stride(from: 0, to: panels, by: blocks.panels) {
                let group = panel..<min(panel + blocks.panels, panels)
                unsafe transformWeights(group, to: turned.base)
                unsafe multiply(range.count, group, before.base, turned.base, to: after.base)
                unsafe transformOutputs(range, group, from: after.base)
            }
        }
        unsafe [before, after, turned].forEach { unsafe pool.giveBack($0) }
    }

    /// `[product, tile, input channel]`.
    private func transformInputs(_ range: Range<Int>, to before: UnsafeMutablePointer<Float>) {
        let image = unsafe kernels_winograd_image(
            height: height, width: width, channels: inputs, pixel: inputs, top: tiles.padding.top,
            left: tiles.padding.left, columns: tiles.tileColumns)
        unsafe forEachTileRun(range) { sample, tile, count, at in
            unsafe kernels_winograd_input(
                source + sample * height * width * inputs, image, tile, count, before + at * inputs,
                Self.stride(range.count * inputs))
        }
    }

    /// `[product, panel, input channel, column]`.
    private func transformWeights(_ group: Range<Int>, to turned: UnsafeMutablePointer<Float>) {
        let columns = Panel.columns
        let stride = unsafe Self.stride(group.count * columns * inputs)
        // Sixteen panels of 64 inputs give as many threads something to do.
        let piece = 64
        let pieces = unsafe (inputs + piece - 1) / piece
        unsafe device.loop.run(group.count * pieces) { item, _ in
            let (panel, input) = (item / pieces, item % pieces * piece)
            unsafe kernels_winograd_weights(
                weights + ((group.lowerBound + panel) * columns * inputs + input) * 9, inputs * 9,
                min(piece, inputs - input), turned + (panel * inputs + input) * columns, stride)
        }
    }

    /// `[product, tile, column of the group]`.
    private func multiply(
        _ count: Int, _ group: Range<Int>, _ before: UnsafePointer<Float>, _ turned: UnsafePointer<Float>,
        to after: UnsafeMutablePointer<Float>
    ) {
        let columns = group.count * Panel.columns
        let rows = CPUDevice.cachedRows
        let pieces = (count + rows - 1) / rows
        let chunks = unsafe DepthChunks(inputs: inputs, taps: 1)
        unsafe device.loop.run(Self.products * pieces) { item, _ in
            let (product, row) = (item / pieces, item % pieces * rows)
            let x = unsafe before + product * Self.stride(count * inputs) + row * inputs
            let panels = unsafe turned + product * Self.stride(columns * inputs)
            for index in 0..<chunks.count {
                let chunk = chunks[index]
                unsafe device.kernel.multiply(
                    kernels_product(
                        x: x + chunk.lowerBound, x_stride: inputs, rows: min(rows, count - row), columns: columns,
                        length: chunk.count, panels: panels + chunk.lowerBound * Panel.columns,
                        panel_stride: inputs * Panel.columns, bias: nil, adds: index > 0 ? 1 : 0,
                        y: after + product * Self.stride(count * columns) + row * columns, y_stride: columns))
            }
        }
    }

    private func transformOutputs(_ range: Range<Int>, _ group: Range<Int>, from after: UnsafePointer<Float>) {
        let columns = group.count * Panel.columns
        let first = group.lowerBound * Panel.columns
        let image = unsafe kernels_winograd_image(
            height: tiles.rows, width: tiles.columns, channels: columns, pixel: outputs, top: 0, left: 0,
            columns: tiles.tileColumns)
        unsafe forEachTileRun(range) { sample, tile, count, at in
            unsafe kernels_winograd_output(
                after + at * columns, Self.stride(range.count * columns), image, tile, count,
                bias.map { unsafe $0 + first }, result + sample * tiles.rows * tiles.columns * outputs + first)
        }
    }

    /// Runs `body` on runs of tiles of one sample; `at` counts from the range's first tile.
    private func forEachTileRun(
        _ range: Range<Int>, _ body: (_ sample: Int, _ tile: Int, _ count: Int, _ at: Int) -> Void
    ) {
        unsafe device.forEachPiece(of: range.count, size: 4) { start, length in
            var done = 0
            while done < length {
                let (sample, tile) = unsafe (range.lowerBound + start + done).quotientAndRemainder(
                    dividingBy: tiles.count)
                let run = unsafe min(length - done, tiles.count - tile)
                body(sample, tile, run, start + done)
                done += run
            }
        }
    }
}
