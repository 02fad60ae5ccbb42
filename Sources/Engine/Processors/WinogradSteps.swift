// The steps of Winograd's method, each on the calling thread.

import CKernels
import Tensors

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

    /// The sums `[product, tile, column]` of some tiles of `before` for a group of panels, piece by piece of the inputs, whose
    /// weights `turned` has room for. Additions are in the order of the inputs, as everywhere.
    /// - Parameter following: the panels that this thread is likely to take next.
    func sum(
        _ part: Range<Int>, _ group: Range<Int>, _ before: WinogradBuffer, _ turned: WinogradBuffer,
        to sums: WinogradBuffer, following: Range<Int>
    ) {
        let size = WinogradPieces.inputs
        let pieces = unsafe (inputs + size - 1) / size
        let inputsOf = { (index: Int) in unsafe index * size..<min((index + 1) * size, inputs) }
        for index in 0..<pieces {
            let piece = inputsOf(index)
            for panel in group {
                unsafe transformWeights(
                    panel, piece, to: turned, at: (panel - group.lowerBound) * size * Panel.columns)
            }
            // Weights are asked for while products keep the processor busy: it does not follow so many streams by itself, and
            // without that reading from memory and computing take turns.
            let isLast = index + 1 == pieces
            let weights = unsafe rawWeights(isLast ? following : group, inputsOf(isLast ? 0 : index + 1))
            for product in unsafe 0..<tiles.products {
                let isLastProduct = unsafe product + 1 == tiles.products
                let windows = unsafe windows(
                    isLastProduct ? 0 : product + 1, part, inputsOf(isLastProduct ? (index + 1) % pieces : index),
                    before)
                unsafe multiply(
                    product, part, group.count, piece, before, turned, to: sums,
                    next: weights.part(product, of: tiles.products),
                    // A product of one or two blocks has no time for them.
                    then: part.count > 2 * Int(KERNELS_PRODUCT_ROWS) ? windows : kernels_rows())
            }
        }
    }

    /// Adds some inputs' part to the sums of some tiles and `count` panels; the first inputs begin the sums.
    private func multiply(
        _ product: Int, _ part: Range<Int>, _ count: Int, _ piece: Range<Int>, _ before: WinogradBuffer,
        _ turned: WinogradBuffer, to sums: WinogradBuffer, next: kernels_rows, then: kernels_rows
    ) {
        let columns = count * Panel.columns
        unsafe kernel.multiply(
            kernels_product(
                x: before.base + product * before.stride + part.lowerBound * inputs + piece.lowerBound,
                x_stride: inputs, rows: part.count, columns: columns, length: piece.count,
                panels: turned.base + product * turned.stride, panel_stride: WinogradPieces.inputs * Panel.columns,
                bias: nil, row_bias: nil, adds: piece.lowerBound > 0 ? 1 : 0,
                y: sums.base + product * sums.stride, y_stride: columns, y_panel_stride: Panel.columns, plus: nil,
                activation: .none,
                next: next, then: then))
    }

    /// Some inputs of some tiles' windows, as a product reads them.
    private func windows(
        _ product: Int, _ part: Range<Int>, _ piece: Range<Int>, _ before: WinogradBuffer
    ) -> kernels_rows {
        unsafe kernels_rows(
            from: before.base + product * before.stride + part.lowerBound * inputs + piece.lowerBound, stride: inputs,
            rows: part.count, length: piece.count)
    }

    /// Some inputs' weights of some panels, as they lie in the checkpoint.
    private func rawWeights(_ group: Range<Int>, _ piece: Range<Int>) -> kernels_rows {
        unsafe kernels_rows(
            from: weights + (group.lowerBound * Panel.columns * inputs + piece.lowerBound) * 9, stride: inputs * 9,
            rows: group.count * Panel.columns, length: piece.count * 9)
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
                added.bias.map { unsafe $0 + first }, added.shortcut.map { unsafe $0 + offset }, added.activation,
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
