// Large 3x3 convolutions by Winograd's F(4x4, 3x3): a quarter of the multiplications, four times the weights' memory.

import CKernels
import COpenBLAS

/// How a 3x3 convolution is cut into tiles of 4x4 output pixels, by its shape alone.
struct WinogradTiles {
    /// Output rows and columns.
    let rows: Int, columns: Int
    /// Tiles in a row of tiles, and of one sample.
    let tileColumns: Int, count: Int
    /// Tiles of a block, whose transformed input and output stay in cache.
    let block: Int
    let padding: Padding

    var blocks: Int { (count + block - 1) / block }

    /// Nil where the method does not apply or does not pay: few tiles leave its products slim, and large weights cost more
    /// memory than the time is worth.
    init?(_ shape: [Int], weight: [Int], stride: Int, padding: Padding) {
        let lanes = KERNELS_WINOGRAD_CHANNELS
        let (outputs, inputs) = (weight[0], weight[1])
        guard weight[2] == 3, weight[3] == 3, stride == 1, inputs % lanes == 0, outputs % lanes == 0 else { return nil }
        rows = shape[1] + padding.top + padding.bottom - 2
        columns = shape[2] + padding.left + padding.right - 2
        tileColumns = (columns + 3) / 4
        count = (rows + 3) / 4 * tileColumns
        guard count >= Self.fewestTiles, inputs >= Self.fewestChannels, inputs * outputs <= Self.mostWeights else {
            return nil
        }
        let blocks = (count + Self.mostTiles - 1) / Self.mostTiles
        block = (count + blocks - 1) / blocks
        self.padding = padding
    }

    private static let fewestTiles = 16
    private static let fewestChannels = 32
    private static let mostTiles = 128
    /// Input times output channels: 1,920 to 640 is the largest of Stable Diffusion's that gains.
    fileprivate static let mostWeights = 1_300_000
}

extension CPUDevice {
    /// At most how many numbers a device keeps for convolution weights `[out, in, height, width]` beside the original.
    public static func keptNumbers(ofConvolution weight: [Int], usesWinograd: Bool) -> Int {
        let taps = weight[2] * weight[3]
        guard taps > 1 else { return 0 }
        let transforms = usesWinograd && taps == 9 && weight[0] * weight[1] <= WinogradTiles.mostWeights
        return weight[0] * weight[1] * (transforms ? Int(KERNELS_WINOGRAD_PRODUCTS) : taps)
    }
}

extension CPUDevice {
    func winograd(_ x: Tensor, weight: Tensor, bias: Tensor?, _ tiles: WinogradTiles) -> Tensor {
        let (samples, inputs, outputs) = (x.shape[0], x.channels, weight.shape[0])
        let products = Int(KERNELS_WINOGRAD_PRODUCTS)
        let weights = unsafe read(Tensor(storage: winogradWeights(weight), shape: [products, outputs, inputs]))
        let (source, shift) = unsafe (read(x), bias.map { unsafe read($0) })
        let input = kernels_winograd_image(
            height: x.shape[1], width: x.shape[2], channels: inputs, top: tiles.padding.top, left: tiles.padding.left,
            columns: tiles.tileColumns)
        let output = kernels_winograd_image(
            height: tiles.rows, width: tiles.columns, channels: outputs, top: 0, left: 0, columns: tiles.tileColumns)
        return unsafe make([samples, tiles.rows, tiles.columns, outputs]) { result in
            unsafe withScratch(products * tiles.block * (inputs + outputs)) { scratch in
                loop.run(samples * tiles.blocks) { item, lane in
                    let (block, sample) = (item / samples, item % samples)
                    let first = block * tiles.block
                    let count = min(tiles.block, tiles.count - first)
                    let (before, after) = unsafe (scratch(lane), scratch(lane) + products * count * inputs)
                    unsafe kernels_winograd_input(
                        source + sample * x.shape[1] * x.shape[2] * inputs, input, first, count, before, count * inputs)
                    for product in 0..<products {
                        unsafe Self.product(
                            rows: count, columns: outputs, depth: inputs, before + product * count * inputs,
                            sourceStride: inputs, weights + product * inputs * outputs, bias: nil,
                            after + product * count * outputs, resultStride: outputs)
                    }
                    unsafe kernels_winograd_output(
                        after, count * outputs, output, first, count, shift,
                        result + sample * tiles.rows * tiles.columns * outputs)
                }
            }
        }
    }

    /// Weights `[out, in, 3, 3]` as `[36, out, in]`, kept with the original.
    private func winogradWeights(_ weight: Tensor) -> Storage {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        let products = Int(KERNELS_WINOGRAD_PRODUCTS)
        return weight.storage.prepared("winograd at \(weight.offset) \(weight.shape)") {
            let source = unsafe read(weight)
            return unsafe make([products, outputs, inputs]) { result in
                forEachPiece(of: outputs, size: 8) { start, length in
                    unsafe kernels_winograd_weights(
                        source + start * inputs * 9, length, inputs, result + start * inputs, outputs * inputs)
                }
            }.storage
        }
    }
}
