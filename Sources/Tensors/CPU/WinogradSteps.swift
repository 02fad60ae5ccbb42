// The steps of Winograd's method, each on the calling thread.

import CKernels

/// Numbers of all products of some tiles, one after the other.
@unsafe struct WinogradBuffer {
    let base: UnsafeMutablePointer<Float>
    /// Numbers from one product to the next.
    let stride: Int

    init(base: UnsafeMutablePointer<Float>, each: Int) {
        unsafe (self.base, stride) = (base, each + WinogradTiles.gap)
    }
}

/// One convolution; tiles count on from sample to sample.
@unsafe struct WinogradSteps {
    let kernel: ProductKernel
    let tiles: WinogradTiles
    let source: UnsafePointer<Float>
    let height: Int, width: Int, inputs: Int, outputs: Int
    /// `[out, in, 3, 3]`.
    let weights: UnsafePointer<Float>
    let added: Added
    let result: UnsafeMutablePointer<Float>

    var panels: Int { unsafe (outputs + Panel.columns - 1) / Panel.columns }

    /// Windows of some tiles, `[product, tile, input]`; the first goes to position `position`.
    func transformInputs(_ range: Range<Int>, at position: Int, to before: WinogradBuffer) {
        let image = unsafe kernels_winograd_image(
            tile: tiles.side, height: height, width: width, channels: inputs, pixel: inputs, top: tiles.padding.top,
            left: tiles.padding.left, columns: tiles.tileColumns)
        unsafe forEachSample(of: range) { sample, tile, count, done in
            unsafe kernels_winograd_input(
                source + sample * height * width * inputs, image, tile, count,
                before.base + (position + done) * inputs, before.stride)
        }
    }

    /// Some inputs' weights of a panel, `[product, input, column]`, from number `position` on.
    func transformWeights(_ panel: Int, _ range: Range<Int>, to turned: WinogradBuffer, at position: Int) {
        unsafe kernels_winograd_weights(
            Int32(tiles.side), weights + (panel * Panel.columns * inputs + range.lowerBound) * 9, inputs * 9,
            range.count,
            turned.base + position, turned.stride)
    }

    /// Adds some inputs' part to the sums `[product, tile, column]` of some tiles and `count` panels, whose weights begin at
    /// number `position`; the first inputs begin the sums.
    func multiply(
        _ product: Int, _ rows: Range<Int>, _ count: Int, _ range: Range<Int>, _ before: WinogradBuffer,
        _ turned: WinogradBuffer, at position: Int, panelStride: Int, to after: WinogradBuffer,
        next: kernels_rows = unsafe kernels_rows(), then: kernels_rows = unsafe kernels_rows()
    ) {
        let columns = count * Panel.columns
        let from = unsafe before.base + product * before.stride + rows.lowerBound * inputs + range.lowerBound
        let to = unsafe after.base + product * after.stride + rows.lowerBound * columns
        unsafe kernel.multiply(
            kernels_product(
                x: from, x_stride: inputs, rows: rows.count, columns: columns, length: range.count,
                panels: turned.base + product * turned.stride + position, panel_stride: panelStride, bias: nil,
                row_bias: nil,
                adds: range.lowerBound > 0 ? 1 : 0,
                y: to, y_stride: columns,
                y_panel_stride: Panel.columns, plus: nil, next: next, then: then))
    }

    /// The sums of all `total` tiles for a group of panels, piece by piece of the inputs, whose weights `turned` has room for.
    /// Additions are in the order of the inputs, as everywhere.
    func sum(
        _ total: Int, _ group: Range<Int>, _ before: WinogradBuffer, _ turned: WinogradBuffer, to sums: WinogradBuffer
    ) {
        let size = WinogradPieces.inputs
        for index in unsafe 0..<(inputs + size - 1) / size {
            let piece = unsafe index * size..<min((index + 1) * size, inputs)
            for panel in group {
                unsafe transformWeights(
                    panel, piece, to: turned, at: (panel - group.lowerBound) * size * Panel.columns)
            }
            for product in unsafe 0..<tiles.products {
                unsafe multiply(
                    product, 0..<total, group.count, piece, before, turned, at: 0, panelStride: size * Panel.columns,
                    to: sums, next: following(group, piece.upperBound, size).part(product, of: tiles.products),
                    then: following(product, total, piece, before))
            }
        }
    }

    /// The windows that the next product multiplies. A product of one or two blocks has no time to ask for them.
    private func following(_ product: Int, _ total: Int, _ piece: Range<Int>, _ before: WinogradBuffer) -> kernels_rows
    {
        guard total > 2 * Int(KERNELS_PRODUCT_ROWS) else { return unsafe kernels_rows() }
        if unsafe product + 1 < tiles.products { return unsafe windows(product + 1, 0..<total, piece, before) }
        let first = unsafe piece.upperBound < inputs ? piece.upperBound : 0
        return unsafe windows(0, 0..<total, first..<min(first + piece.count, inputs), before)
    }

    /// Some inputs of some tiles' windows, as a product reads them.
    func windows(_ product: Int, _ rows: Range<Int>, _ range: Range<Int>, _ before: WinogradBuffer) -> kernels_rows {
        unsafe kernels_rows(
            from: before.base + product * before.stride + rows.lowerBound * inputs + range.lowerBound, stride: inputs,
            rows: rows.count, length: range.count)
    }

    /// The weights of the inputs to come, which are asked for while products keep the processor busy: it does not follow so
    /// many streams by itself, and without it reading from memory and computing take turns.
    private func following(_ group: Range<Int>, _ input: Int, _ count: Int) -> kernels_rows {
        let count = unsafe min(count, inputs - input)
        guard count > 0 else { return unsafe kernels_rows() }
        return unsafe kernels_rows(
            from: weights + (group.lowerBound * Panel.columns * inputs + input) * 9, stride: inputs * 9,
            rows: group.count * Panel.columns, length: count * 9)
    }

    /// Pixels of some tiles in the channels of a group of panels.
    func transformOutputs(_ range: Range<Int>, at position: Int, _ group: Range<Int>, from after: WinogradBuffer) {
        let columns = group.count * Panel.columns
        let first = group.lowerBound * Panel.columns
        let image = unsafe kernels_winograd_image(
            tile: tiles.side, height: tiles.rows, width: tiles.columns, channels: columns, pixel: outputs, top: 0,
            left: 0,
            columns: tiles.tileColumns)
        unsafe forEachSample(of: range) { sample, tile, count, done in
            let offset = unsafe sample * tiles.rows * tiles.columns * outputs + first
            unsafe kernels_winograd_output(
                after.base + (position + done) * columns, after.stride, image, tile, count,
                added.bias.map { unsafe $0 + first }, added.shortcut.map { unsafe $0 + offset },
                min(columns, outputs - first), result + offset)
        }
    }

    /// Cuts a range of tiles where samples end; `done` tiles came before in the range.
    private func forEachSample(
        of range: Range<Int>, _ body: (_ sample: Int, _ tile: Int, _ count: Int, _ done: Int) -> Void
    ) {
        var tile = range.lowerBound
        while tile < range.upperBound {
            let (sample, first) = unsafe tile.quotientAndRemainder(dividingBy: tiles.count)
            let count = unsafe min(range.upperBound - tile, tiles.count - first)
            body(sample, first, count, tile - range.lowerBound)
            tile += count
        }
    }
}
