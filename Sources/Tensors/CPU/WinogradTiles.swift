// Which convolutions Winograd's method computes, and how their images are cut.

import CKernels

/// How a 3x3 convolution is cut into tiles of 4x4 or 6x6 output pixels, by its shape alone.
struct WinogradTiles {
    /// Output rows and columns.
    let rows: Int, columns: Int
    /// Output pixels on a tile's side.
    let side: Int
    /// Tiles in a row of tiles, and of one sample.
    let tileColumns: Int, count: Int
    let padding: Padding

    /// Products of a tile.
    var products: Int { (side + 2) * (side + 2) }

    /// Numbers of all products with `each` numbers.
    func numbers(each: Int) -> Int { products * (each + Self.gap) }

    /// Numbers between those of two products: without a line more all would begin in the same set of the cache.
    static let gap = 16

    /// Nil where the method does not apply or does not pay. It must not depend on the batch: a sample's numbers would.
    init?(_ shape: [Int], weight: [Int], stride: Int, padding: Padding) {
        let lanes = Int(KERNELS_WINOGRAD_CHANNELS)
        let (outputs, inputs) = (weight[0], weight[1])
        // Weights of fewer outputs are filled up to a panel.
        guard weight[2] == 3, weight[3] == 3, stride == 1, inputs % lanes == 0,
            outputs % lanes == 0 || outputs < lanes
        else { return nil }
        rows = shape[1] + padding.top + padding.bottom - 2
        columns = shape[2] + padding.left + padding.right - 2
        guard rows > 0, columns > 0, inputs >= Self.fewestChannels else { return nil }
        side = Self.side(rows, columns)
        tileColumns = (columns + side - 1) / side
        count = (rows + side - 1) / side * tileColumns
        self.padding = padding
    }

    /// Tiles of 6x6 take a fifth fewer multiplications, unless they hang far over the edges; with few of them, transforming the
    /// weights, which takes twice as long, would outweigh that.
    private static func side(_ rows: Int, _ columns: Int) -> Int {
        let (large, small) = (((rows + 5) / 6) * ((columns + 5) / 6), ((rows + 3) / 4) * ((columns + 3) / 4))
        return large >= fewestLargeTiles && large * 64 * 100 <= small * 36 * 90 ? 6 : 4
    }

    private static let fewestLargeTiles = 40
    private static let fewestChannels = 32
}

/// How many tiles and panels of output channels are worked on at once, so that their numbers stay in the last cache.
struct WinogradBlocks {
    /// Tiles of a block, of the whole batch.
    let tiles: Int
    /// Panels of 16 output channels of a group.
    let panels: Int

    /// Transformed inputs of a block of tiles: 8 MB. With their sums and a group's weights they share the last cache.
    private static let inputNumbers = 2 << 20
    /// With fewer tiles a block, transforming the weights anew would take over a twentieth of the time.
    private static let fewestTiles = 96
    /// Transformed weights of a group of panels: 8 MB.
    private static let weightNumbers = 2 << 20

    init(_ shape: WinogradTiles, tiles total: Int, inputs: Int, panels: Int) {
        let most = max(Self.fewestTiles, Self.inputNumbers / (shape.products * inputs))
        let blocks = (total + most - 1) / most
        tiles = (total + blocks - 1) / blocks
        let fitting = Self.weightNumbers / (shape.products * inputs * Panel.columns)
        self.panels = min(panels, max(2, fitting / 2 * 2))
    }
}

/// How few tiles are worked on: transforming the weights is most of the work then, so each thread keeps those of some panels
/// and inputs in its second cache, beside the sums of all tiles.
enum WinogradPieces {
    /// At most so many tiles of 4x4, of the whole batch, are few: their sums for two panels take 300 KB.
    static let mostTiles = 64
    /// Panels and inputs whose transformed weights a thread keeps: 300 KB of 36 products.
    static let panels = 2, inputs = 64
    static let weightNumbers = panels * inputs * Panel.columns
}
