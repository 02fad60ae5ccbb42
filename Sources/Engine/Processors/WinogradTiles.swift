// Which convolutions Winograd's method computes, and how their images are cut.

import CKernels
import Tensors

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
        if outputs == 0 { return nil }
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

/// How many tiles have their windows transformed at once: as many as share the last cache, or what a thread takes.
struct WinogradBlocks {
    /// Tiles of a block, of the whole batch; blocks are nearly equal.
    let tiles: Int

    /// Transformed windows of a block: 8 MB, where that is a thread's part or more.
    private static let windowNumbers = 2 << 20

    init(_ shape: WinogradTiles, count: Int, inputs: Int) {
        let part = WinogradPieces.tiles(side: shape.side)
        let most = max(1, Self.windowNumbers / (shape.products * inputs) / part) * part
        let blocks = max(1, (count + most - 1) / most)
        tiles = (count + blocks - 1) / blocks
    }
}

/// How the tiles of a block are cut for the threads: each part goes through some panels' weights, which are transformed anew for
/// every part.
struct WinogradParts {
    /// Tiles of a part; parts are nearly equal.
    let tiles: Int

    /// - Parameter groups: of panels; fewer than threads, and the tiles are cut smaller, so that all have work.
    init(_ count: Int, side: Int, groups: Int, lanes: Int) {
        let most = WinogradPieces.tiles(side: side)
        let wanted = min((lanes + groups - 1) / groups, (count + Self.fewest - 1) / Self.fewest)
        let parts = max(1, wanted, (count + most - 1) / most)
        tiles = (count + parts - 1) / parts
    }

    /// Rows of a product that fill a kernel's registers.
    private static let fewest = Int(KERNELS_PRODUCT_ROWS)
}

/// What a thread works on at once, so that it stays in a second cache of 1 MB, or nearly: tiles of a part, and the
/// weights of some inputs.
enum WinogradPieces {
    /// Panels and inputs whose transformed weights a thread keeps: 300 KB of 36 products, 520 KB of 64.
    static let panels = 2, inputs = 64
    static let weightNumbers = panels * inputs * Panel.columns

    /// Tiles of a part, at most: their sums for two panels take 600 to 800 KB. With fewer, transforming weights anew for every part
    /// costs more than reading sums from the last cache.
    static func tiles(side: Int) -> Int { side == 4 ? 128 : 96 }
}
