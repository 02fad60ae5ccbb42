// 3x3 convolutions by Winograd's F(4x4, 3x3) and F(6x6, 3x3): a quarter or a fifth of the multiplications (Lavin and Gray,
// 2016).
//
// Weights are transformed while the convolution runs, and not kept: transformed they take four or seven times the memory, and
// reading that much takes longer than transforming anew.

import CKernels

extension CPUDevice {
    /// Transforms the inputs, then group by group of output channels transforms weights, multiplies, and transforms back.
    func winograd(
        _ x: Tensor, weight: Tensor, bias: Tensor?, _ tiles: WinogradTiles, adding shortcut: Tensor?
    ) -> Tensor {
        let shape = [x.shape[0], tiles.rows, tiles.columns, weight.shape[0]]
        let weights = filled(weight, to: Panel.columns * weight.count / weight.shape[0])
        let bias = bias.map { filled($0, to: Panel.columns) }
        return unsafe make(shape) { result in
            let steps = unsafe WinogradSteps(
                kernel: kernel, tiles: tiles, source: read(x), height: x.shape[1], width: x.shape[2],
                inputs: x.channels, outputs: weight.shape[0], weights: read(weights),
                added: Added(bias: bias.map { unsafe read($0) }, shortcut: shortcut.map { unsafe read($0) }),
                result: result)
            let total = x.shape[0] * tiles.count
            if total == 0 { return }
            if tiles.side == 4, total <= WinogradPieces.mostTiles {
                unsafe winogradOfFew(total, steps)
            } else {
                unsafe winogradOfMany(total, steps)
            }
        }
    }

    /// A panel's weights or biases of fewer channels than a panel has, zeros behind them; others as they are.
    private func filled(_ values: Tensor, to count: Int) -> Tensor {
        guard values.count < count else { return values }
        let source = unsafe read(values)
        return unsafe make([count]) { result in
            unsafe result.update(from: source, count: values.count)
            unsafe (result + values.count).update(repeating: 0, count: count - values.count)
        }
    }

    /// Block by block of tiles, group by group of panels, all threads at one step after the other.
    private func winogradOfMany(_ total: Int, _ steps: WinogradSteps) {
        let blocks = unsafe WinogradBlocks(steps.tiles, tiles: total, inputs: steps.inputs, panels: steps.panels)
        let columns = blocks.panels * Panel.columns
        let sizes = unsafe [blocks.tiles * steps.inputs, columns * steps.inputs, blocks.tiles * columns]
        let taken = unsafe sizes.map { unsafe pool.take(steps.tiles.numbers(each: $0)) }
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
                unsafe transformWeights(group, steps, to: turned)
                unsafe multiply(range.count, group, steps, before, turned, to: after)
                forEachPiece(of: range.count, size: 4) { start, count in
                    unsafe steps.transformOutputs(
                        first + start..<first + start + count, at: start, group, from: after)
                }
            }
        }
        unsafe taken.forEach { unsafe pool.giveBack($0) }
    }

    /// In pieces of 64 inputs of a panel: enough for many threads.
    private func transformWeights(_ group: Range<Int>, _ steps: WinogradSteps, to turned: WinogradBuffer) {
        let pieces = unsafe (steps.inputs + 63) / 64
        loop.run(group.count * pieces) { item, _ in
            let (member, input) = (item / pieces, item % pieces * 64)
            unsafe steps.transformWeights(
                group.lowerBound + member, input..<min(input + 64, steps.inputs), to: turned,
                at: (member * steps.inputs + input) * Panel.columns)
        }
    }

    /// Tiles of a product, whose 512 inputs take 384 KB.
    private static let productTiles = 192

    private func multiply(
        _ count: Int, _ group: Range<Int>, _ steps: WinogradSteps, _ before: WinogradBuffer, _ turned: WinogradBuffer,
        to after: WinogradBuffer
    ) {
        let pieces = (count + Self.productTiles - 1) / Self.productTiles
        let chunks = unsafe DepthChunks(inputs: steps.inputs, taps: 1)
        let items = unsafe steps.tiles.products * pieces
        let rows = { (piece: Int) in piece * Self.productTiles..<min((piece + 1) * Self.productTiles, count) }
        loop.run(items) { item, _ in
            // What this thread is likely to take next.
            let following = min(item + loop.lanes, items - 1)
            for index in 0..<chunks.count {
                let isLast = index + 1 == chunks.count
                let (next, chunk) = isLast ? (following, chunks[0]) : (item, chunks[index + 1])
                unsafe steps.multiply(
                    item / pieces, rows(item % pieces), group.count, chunks[index], before, turned,
                    at: chunks[index].lowerBound * Panel.columns, panelStride: steps.inputs * Panel.columns, to: after,
                    next: steps.windows(next / pieces, rows(next % pieces), chunk, before),
                    then: kernels_rows(
                        from: turned.base + next / pieces * turned.stride + chunk.lowerBound * Panel.columns,
                        stride: steps.inputs * Panel.columns, rows: group.count,
                        length: chunk.count * Panel.columns))
            }
        }
    }

    /// Each thread takes its panels through all inputs.
    private func winogradOfFew(_ total: Int, _ steps: WinogradSteps) {
        let taken = unsafe pool.take(steps.tiles.numbers(each: total * steps.inputs))
        let before = unsafe WinogradBuffer(base: taken.base, each: total * steps.inputs)
        forEachPiece(of: total, size: 4) { start, count in
            unsafe steps.transformInputs(start..<start + count, at: start, to: before)
        }
        let (few, weightNumbers) = (WinogradPieces.panels, WinogradPieces.weightNumbers)
        let sumNumbers = few * Panel.columns * total
        let tiles = unsafe steps.tiles
        let size = tiles.numbers(each: weightNumbers) + tiles.numbers(each: sumNumbers)
        unsafe withScratch(size) { scratch in
            unsafe loop.run((steps.panels + few - 1) / few) { item, lane in
                let group = unsafe item * few..<min((item + 1) * few, steps.panels)
                let turned = unsafe WinogradBuffer(base: scratch(lane), each: weightNumbers)
                let after = unsafe WinogradBuffer(
                    base: turned.base + tiles.numbers(each: weightNumbers), each: sumNumbers)
                unsafe steps.sum(total, group, before, turned, to: after)
                unsafe steps.transformOutputs(0..<total, at: 0, group, from: after)
            }
        }
        unsafe pool.giveBack(taken)
    }
}
