// Few rows in panels: sixteen side by side, channel by channel, as products read them and leave them.

import CKernels
import Synchronization

/// How the rows of some samples stand in panels, `[sample, panel, channel, 16]`: each sample begins a panel, and what its last one
/// lacks is of no meaning.
struct PanelShape: Equatable {
    let samples: Int
    /// Rows of a sample.
    let rows: Int
    let channels: Int

    /// Panels of a sample.
    var each: Int { (rows + Panel.columns - 1) / Panel.columns }
    /// Panels of all samples.
    var panels: Int { samples * each }
    /// Numbers of all panels.
    var count: Int { panels * Panel.columns * channels }
    /// Numbers of one panel.
    var panelCount: Int { Panel.columns * channels }

    /// The first row of a panel among the rows of all samples, and how many it has.
    func rows(of panel: Int) -> Range<Int> {
        let (sample, first) = (panel / each * rows, panel % each * Panel.columns)
        return sample + first..<sample + min(first + Panel.columns, rows)
    }

    /// The same rows with other channels.
    func with(channels: Int) -> PanelShape { PanelShape(samples: samples, rows: rows, channels: channels) }

    /// Whether samples fill no more panels than all rows one after the other.
    var isTight: Bool { rows > 0 && panels == (samples * rows + Panel.columns - 1) / Panel.columns }
}

/// Storage whose rows stand in panels. Who asks for them row by row gets a copy, made once.
@safe final class PanelStorage: Storage, @unchecked Sendable {
    // Sendable: panels are written before the storage is published, and the copy under its lock.
    let shape: PanelShape
    let panels: UnsafeMutablePointer<Float>
    private let buffer: BufferPool.Buffer
    private let pool: BufferPool
    private let rows = unsafe Mutex<BufferPool.Buffer?>(nil)

    init(_ shape: PanelShape, pool: BufferPool, device: any Device) {
        self.shape = shape
        self.pool = pool
        unsafe buffer = pool.take(shape.count)
        unsafe panels = buffer.base
        super.init(count: shape.samples * shape.rows * shape.channels, device: device)
    }

    /// Row by row; `fill` writes them if nobody asked before.
    func rows(_ fill: (UnsafeMutablePointer<Float>) -> Void) -> UnsafeMutablePointer<Float> {
        unsafe rows.withLock { rows in
            if let known = unsafe rows { return unsafe known.base }
            let taken = unsafe pool.take(count)
            unsafe fill(taken.base)
            unsafe rows = taken
            return unsafe taken.base
        }
    }

    deinit {
        unsafe pool.giveBack(buffer)
        unsafe rows.withLock { rows in if let rows = unsafe rows { unsafe pool.giveBack(rows) } }
    }
}

/// Panels that an operation reads: a tensor's own, or packed for the operation.
@unsafe struct Panels {
    let base: UnsafePointer<Float>
    let shape: PanelShape
    fileprivate let packed: BufferPool.Buffer?
}

extension CPUDevice {
    /// The panels of a tensor whose samples stand in them.
    func panelStorage(_ x: Tensor) -> PanelStorage? {
        guard let storage = x.storage as? PanelStorage, x.shape.count > 1, x.count == storage.count,
            x.shape[0] == storage.shape.samples, x.channels == storage.shape.channels
        else { return nil }
        return storage
    }

    /// A new tensor in panels, filled by `body` before anyone sees it.
    func makePanels(_ shape: [Int], _ panels: PanelShape, _ body: (UnsafeMutablePointer<Float>) -> Void) -> Tensor {
        let storage = PanelStorage(panels, pool: pool, device: self)
        unsafe body(storage.panels)
        return Tensor(storage: storage, shape: shape)
    }

    /// A tensor's panels where they stand in such already, else packed; `giveBack` is to follow.
    func panels(_ x: Tensor, _ shape: PanelShape) -> Panels {
        if let storage = panelStorage(x), storage.shape == shape {
            return unsafe Panels(base: UnsafePointer(storage.panels), shape: shape, packed: nil)
        }
        return unsafe packPanels(read(x), shape)
    }

    /// Packs rows.
    func packPanels(_ source: UnsafePointer<Float>, _ shape: PanelShape) -> Panels {
        let packed = unsafe pool.take(shape.count)
        loop.run(shape.panels) { panel, _ in
            let rows = shape.rows(of: panel)
            unsafe kernels_pack(
                source + rows.lowerBound * shape.channels, shape.channels, rows.count, shape.channels, 1,
                packed.base + panel * shape.panelCount)
        }
        return unsafe Panels(base: UnsafePointer(packed.base), shape: shape, packed: packed)
    }

    /// Returns what was packed.
    func giveBack(_ panels: Panels) {
        if let packed = unsafe panels.packed { unsafe pool.giveBack(packed) }
    }

    /// The rows of panels, one after the other.
    func turnPanels(_ storage: PanelStorage) -> UnsafeMutablePointer<Float> {
        let shape = storage.shape
        return unsafe storage.rows { rows in
            loop.run(shape.panels) { panel, _ in
                let range = shape.rows(of: panel)
                unsafe kernels_transpose(
                    storage.panels + panel * shape.panelCount, Panel.columns, shape.channels, range.count, 1, nil,
                    rows + range.lowerBound * shape.channels, shape.channels)
            }
        }
    }
}
