// 3x3 convolutions by Winograd's F(4x4, 3x3) and F(6x6, 3x3): a quarter or a fifth of the multiplications (Lavin
// and Gray, 2016).
//
// Weights are transformed while the convolution runs, and not kept: transformed they take four or seven times the memory, and
// reading that much takes longer than transforming anew.

import CKernels
import Tensors

extension CPUDevice {
    /// Transforms the inputs, then panel by panel of output channels transforms weights, multiplies, and transforms back.
    func winograd(
        _ x: Tensor, weight: Tensor, bias: Tensor?, _ tiles: WinogradTiles, adding shortcut: Tensor?,
        _ activation: kernels_activation
    ) throws(DeviceError) -> Tensor {
        let shape = [x.shape[0], tiles.rows, tiles.columns, weight.shape[0]]
        let weights = try filled(weight, to: Panel.columns * weight.count / weight.shape[0])
        let bias = try bias.map { bias throws(DeviceError) in try filled(bias, to: Panel.columns) }
        return unsafe try make(shape) { result throws(DeviceError) in
            let steps = unsafe WinogradSteps(
                kernel: kernel, tiles: tiles, source: try read(x), height: x.shape[1], width: x.shape[2],
                inputs: x.channels, outputs: weight.shape[0], weights: try read(weights),
                added: Added(bias: try read(bias), shortcut: try read(shortcut), activation: activation),
                result: result)
            unsafe try winograd(tiles: x.shape[0] * tiles.count, steps)
            // The steps know addresses only.
            withExtendedLifetime((weights, bias)) {}
        }
    }

    /// A panel's weights or biases of fewer channels than a panel has, zeros behind them; others as they are.
    private func filled(_ values: Tensor, to count: Int) throws(DeviceError) -> Tensor {
        guard values.count < count else { return values }
        let source = unsafe try read(values)
        return unsafe try make([count]) { result in
            unsafe result.update(from: source, count: values.count)
            unsafe (result + values.count).update(repeating: 0, count: count - values.count)
        }
    }

    /// Block by block of tiles, whose windows all threads transform; then each thread takes panels of a part of the tiles through
    /// all inputs by itself, so that transformed weights and sums stay in its own second cache.
    private func winograd(tiles total: Int, _ steps: WinogradSteps) throws(DeviceError) {
        if total == 0 { return }
        let (tiles, few) = unsafe (steps.tiles, WinogradPieces.panels)
        let blocks = unsafe WinogradBlocks(tiles, count: total, inputs: steps.inputs)
        let taken = unsafe try pool.take(tiles.numbers(each: blocks.tiles * steps.inputs))
        defer { unsafe pool.giveBack(taken) }
        let before = unsafe WinogradBuffer(base: taken.base, each: blocks.tiles * steps.inputs)
        let groups = unsafe (steps.panels + few - 1) / few
        let cuts = WinogradParts(blocks.tiles, side: tiles.side, groups: groups, lanes: loop.lanes)
        // Of one size whatever the layer, so that the pool keeps one buffer.
        let sumNumbers = few * Panel.columns * WinogradPieces.tiles(side: tiles.side)
        let weightNumbers = WinogradPieces.weightNumbers
        unsafe try withScratch(tiles.numbers(each: weightNumbers) + tiles.numbers(each: sumNumbers)) { scratch in
            for first in stride(from: 0, to: total, by: blocks.tiles) {
                let count = min(blocks.tiles, total - first)
                forEachPiece(of: count, size: 4) { start, count in
                    unsafe steps.transformInputs(first + start..<first + start + count, at: start, to: before)
                }
                let parts = (count + cuts.tiles - 1) / cuts.tiles
                loop.run(groups * parts) { item, lane in
                    let start = item / groups * cuts.tiles
                    let part = start..<min(start + cuts.tiles, count)
                    let panels = { (item: Int) in
                        let panel = item % groups * few
                        return unsafe panel..<min(panel + few, steps.panels)
                    }
                    let turned = unsafe WinogradBuffer(base: scratch(lane), each: weightNumbers)
                    let after = unsafe WinogradBuffer(
                        base: turned.base + tiles.numbers(each: weightNumbers), each: few * Panel.columns * cuts.tiles)
                    // The panels to come are likely to be this thread's.
                    unsafe steps.sum(
                        part, panels(item), before, turned, to: after, following: panels(item + loop.lanes))
                    unsafe steps.transformOutputs(
                        first + part.lowerBound..<first + part.upperBound, at: 0, panels(item), from: after)
                }
            }
        }
    }
}
