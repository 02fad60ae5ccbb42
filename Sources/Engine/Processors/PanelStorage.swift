// Rows in panels: sixteen side by side, channel by channel, as products read them and leave them.

import Synchronization
import Tensors

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

    /// So many samples of the same rows.
    func with(samples: Int) -> PanelShape { PanelShape(samples: samples, rows: rows, channels: channels) }

    /// Whether samples fill their panels, all but a fortieth, or no more panels than all rows one after the other would.
    var isFull: Bool {
        let all = samples * rows
        return rows > 0
            && (panels == (all + Panel.columns - 1) / Panel.columns || 40 * panels * Panel.columns <= 41 * all)
    }
}

/// Storage whose rows stand in panels. Reading them row by row takes a copy, made once.
final class PanelStorage: Storage, @unchecked Sendable {
    // Sendable: panels are written before the storage is published, as the base class asks, and the copy under its lock.
    let shape: PanelShape
    /// The panels, of which `shape` tells how they lie.
    let panels: HostStorage
    private let rows = Mutex<HostStorage?>(nil)

    init(_ shape: PanelShape, pool: BufferPool, device: any Device) throws(DeviceError) {
        self.shape = shape
        panels = try HostStorage(count: shape.count, pool: pool, device: device)
        super.init(count: shape.samples * shape.rows * shape.channels, device: device)
    }

    /// Row by row; `make` turns them if nobody asked before.
    func rows(_ make: () throws(DeviceError) -> HostStorage) throws(DeviceError) -> HostStorage {
        try rows.withLock { rows throws(DeviceError) in
            if let rows { return rows }
            let made = try make()
            rows = made
            return made
        }
    }
}
