// 3x3 convolutions by Winograd's F(4x4, 3x3): a quarter of the multiplications (Lavin and Gray, 2016).
//
// Weights are transformed while the convolution runs, and not kept: transformed they take four times the memory, and
// reading that much takes longer than transforming anew.

import CKernels

extension CPUDevice {
    /// Transforms the inputs, then group by group of output channels transforms weights, multiplies, and transforms back.
    func winograd(_ x: Tensor, weight: Tensor, bias: Tensor?, _ tiles: WinogradTiles) -> Tensor {
        let shape = [x.shape[0], tiles.rows, tiles.columns, weight.shape[0]]
        return unsafe make(shape) { result in
            let steps = unsafe WinogradSteps(
                kernel: kernel, tiles: tiles, source: read(x), height: x.shape[1], width: x.shape[2],
                inputs: x.channels, outputs: weight.shape[0], weights: read(weight),
                bias: bias.map { unsafe read($0) }, result: result)
            let total = x.shape[0] * tiles.count
            if total <= WinogradBlocks.fewTiles {
                unsafe winogradOfFew(total, steps)
            } else {
                unsafe winogradOfMany(total, steps)
            }
        }
    }

    /// Block by block of tiles, group by group of panels, all threads at one step after the other.
    private func winogradOfMany(_ total: Int, _ steps: WinogradSteps) {
        let blocks = unsafe WinogradBlocks(tiles: total, inputs: steps.inputs, panels: steps.panels)
        let columns = blocks.panels * Panel.columns
        let sizes = unsafe [blocks.tiles * steps.inputs, columns * steps.inputs, blocks.tiles * columns]
        let taken = unsafe sizes.map { unsafe pool.take(WinogradTiles.numbers(each: $0)) }
        let before = unsafe WinogradBuffer(base: taken[0].base, each: sizes[0])
        let turned = unsafe WinogradBuffer(base: taken[1].base, each: sizes[1])
        let after = unsafe WinogradBuffer(base: taken[2].base, each: sizes[2])
        for first in stride(from: 0, to: total, by: blocks.tiles) {
            let range = first..<min(first + blocks.tiles, total)
            forEachPiece(of: range.count, size: 4) { start, count in
                unsafe steps.transformInputs(first + start..<first + start + count, at: start, to: before)
            }
            for panel in unsafe stride(from: 0, to: steps.panels, by: blocks.panels) {
                let group = unsafe panel..<min(panel + blocks.panels, steps.panels)
                // Pieces of 64 inputs: enough for many threads.
                let pieces = unsafe (steps.inputs + 63) / 64
                loop.run(group.count * pieces) { item, _ in
                    let (member, input) = (item / pieces, item % pieces * 64)
                    unsafe steps.transformWeights(
                        panel + member, input..<min(input + 64, steps.inputs), to: turned,
                        at: (member * steps.inputs + input) * Panel.columns)
                }
                let rowPieces = (range.count + Self.cachedRows - 1) / Self.cachedRows
                loop.run(WinogradTiles.products * rowPieces) { item, _ in
                    let (product, row) = (item / rowPieces, item % rowPieces * Self.cachedRows)
                    let rows = row..<min(row + Self.cachedRows, range.count)
                    for piece in unsafe stride(from: 0, to: steps.inputs, by: DepthChunks.mostSteps) {
                        let inputs = unsafe piece..<min(piece + DepthChunks.mostSteps, steps.inputs)
                        unsafe steps.multiply(
                            product, rows, group.count, inputs, before, turned, at: piece * Panel.columns,
                            panelStride: steps.inputs * Panel.columns, to: after)
                    }
                }
                forEachPiece(of: range.count, size: 4) { start, count in
                    unsafe steps.transformOutputs(
                        first + start..<first + start + count, at: start, group, from: after)
                }
            }
        }
        unsafe taken.forEach { unsafe pool.giveBack($0) }
    }

    /// With few tiles transforming the weights is most of the work: each thread keeps those of two panels and 64 inputs in
    /// its second cache, beside the sums of all tiles. Additions are in the same order.
    private func winogradOfFew(_ total: Int, _ steps: WinogradSteps) {
        let (few, chunk) = (WinogradBlocks.fewPanels, WinogradBlocks.fewInputs)
        let taken = unsafe pool.take(WinogradTiles.numbers(each: total * steps.inputs))
        let before = unsafe WinogradBuffer(base: taken.base, each: total * steps.inputs)
        forEachPiece(of: total, size: 4) { start, count in
            unsafe steps.transformInputs(start..<start + count, at: start, to: before)
        }
        let (weightNumbers, sumNumbers) = (few * Panel.columns * chunk, few * Panel.columns * total)
        let size = WinogradTiles.numbers(each: weightNumbers) + WinogradTiles.numbers(each: sumNumbers)
        unsafe withScratch(size) { scratch in
            unsafe loop.run((steps.panels + few - 1) / few) { item, lane in
                let group = unsafe item * few..<min((item + 1) * few, steps.panels)
                let turned = unsafe WinogradBuffer(base: scratch(lane), each: weightNumbers)
                let after = unsafe WinogradBuffer(
                    base: turned.base + WinogradTiles.numbers(each: weightNumbers), each: sumNumbers)
                for piece in unsafe stride(from: 0, to: steps.inputs, by: chunk) {
                    let inputs = unsafe piece..<min(piece + chunk, steps.inputs)
                    for panel in group {
                        unsafe steps.transformWeights(
                            panel, inputs, to: turned, at: (panel - group.lowerBound) * chunk * Panel.columns)
                    }
                    for product in 0..<WinogradTiles.products {
                        unsafe steps.prefetch(group, column: product, inputs.upperBound, count: chunk)
                        unsafe steps.multiply(
                            product, 0..<total, group.count, inputs, before, turned, at: 0,
                            panelStride: chunk * Panel.columns, to: after)
                    }
                }
                unsafe steps.transformOutputs(0..<total, at: 0, group, from: after)
            }
        }
        unsafe pool.giveBack(taken)
    }
}
