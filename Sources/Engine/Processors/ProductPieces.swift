// How a product is shared by threads.

import CKernels

/// How a product of `rows` rows by `panels` panels of output channels is cut into pieces for the threads. Numbers do not
/// depend on it: additions follow the depth.
struct ProductPieces {
    /// Rows of a piece, a multiple of what kernels take at once.
    let rows: Int
    let rowPieces: Int
    /// Panels of a piece; an even number where that is allowed, since AVX-512 takes two at a time.
    let panels: Int
    let panelPieces: Int
    private let allRows: Int, allPanels: Int

    /// Ten panels of a chunk take 320 KB.
    static let mostPanels = 10
    /// With fewer rows, packing the weights once more would cost over a twentieth.
    private static let fewestRows = 192

    init(rows: Int, panels: Int, lanes: Int, mostPanels: Int = mostPanels) {
        (allRows, allPanels) = (rows, panels)
        // So many that all threads end at about the same time.
        let wanted = lanes == 1 ? 1 : 4 * lanes
        let whole = (panels + mostPanels - 1) / mostPanels
        let rowPieces = max(1, min(rows / Self.fewestRows, (wanted + whole - 1) / max(whole, 1)))
        let group = Int(KERNELS_PRODUCT_ROWS)
        self.rows = max(group, ((rows + rowPieces - 1) / rowPieces + group - 1) / group * group)
        self.rowPieces = (rows + self.rows - 1) / self.rows
        self.panels = min(mostPanels, max(2, panels * self.rowPieces / wanted / 2 * 2))
        panelPieces = (panels + self.panels - 1) / self.panels
    }

    var count: Int { rowPieces * panelPieces }

    /// The rows and panels of a piece; pieces of the same panels are neighbors.
    subscript(_ index: Int) -> (rows: Range<Int>, panels: Range<Int>) {
        let (row, panel) = (index % rowPieces * rows, index / rowPieces * panels)
        return (row..<min(row + rows, allRows), panel..<min(panel + panels, allPanels))
    }
}
