// Tensors in panels: what operations read of them, and what they leave.
//
// Tokens stay in panels from one layer to the next: turned to rows and back they would go through the last cache once more
// each time.

import CKernels
import Tensors

/// Rows in panels, in a tensor's storage or packed for an operation.
@unsafe struct Panels {
    let base: UnsafePointer<Float>
    let shape: PanelShape

    init(_ base: UnsafePointer<Float>, _ shape: PanelShape) { unsafe (self.base, self.shape) = (base, shape) }

    /// Some of them, as if they were one sample's.
    func part(_ range: Range<Int>) -> Panels {
        unsafe Panels(
            base + range.lowerBound * shape.panelCount,
            PanelShape(samples: 1, rows: range.count * Panel.columns, channels: shape.channels))
    }
}

extension CPUDevice {
    /// The panels of a tensor that is whole samples of a storage in panels.
    func panels(of x: Tensor) -> Panels? {
        guard let storage = x.storage as? PanelStorage, x.shape.count > 1, x.channels == storage.shape.channels else {
            return nil
        }
        let (samples, each) = (x.shape[0], storage.shape.rows * x.channels)
        guard each > 0, x.offset % each == 0, x.count == samples * each else { return nil }
        let first = x.offset / each * storage.shape.each
        return unsafe Panels(
            storage.panels.base + first * storage.shape.panelCount,
            PanelShape(samples: samples, rows: storage.shape.rows, channels: x.channels))
    }

    /// How a layer's tokens are to stand in panels, its input's and its result's: as they do already, or where nothing in rows
    /// is added to them. Images stand in rows, as convolutions read them.
    func panelsOfResult(_ x: Tensor, adding shortcut: Tensor?) -> PanelShape? {
        guard x.shape.count == 3 else { return nil }
        if let panels = unsafe panels(of: x) { return unsafe panels.shape }
        guard shortcut.map({ unsafe panels(of: $0) != nil }) ?? true else { return nil }
        let shape = PanelShape(samples: x.shape[0], rows: x.shape[1], channels: x.channels)
        return shape.isFull ? shape : nil
    }

    /// How the samples of tensors stand in panels together; nil where they do not all stand alike.
    func jointPanels(_ parts: [Tensor]) -> PanelShape? {
        let shapes = parts.compactMap { unsafe panels(of: $0)?.shape }
        guard shapes.count == parts.count, let first = shapes.first, shapes.allSatisfy({ $0.rows == first.rows }) else {
            return nil
        }
        return first.with(samples: shapes.reduce(0) { $0 + $1.samples })
    }

    /// A new tensor in panels, filled by `body` before anyone sees it.
    func makePanels(
        _ shape: [Int], _ panels: PanelShape, _ body: (UnsafeMutablePointer<Float>) throws(DeviceError) -> Void
    ) throws(DeviceError) -> Tensor {
        let storage = try PanelStorage(panels, pool: pool, device: self)
        unsafe try body(storage.panels.base)
        return Tensor(storage: storage, shape: shape)
    }

    /// Calls `body` with a tensor's own panels, or with packed ones where it has none of this shape.
    func withPanels<Result>(
        _ x: Tensor, _ shape: PanelShape, _ body: (Panels) throws(DeviceError) -> Result
    ) throws(DeviceError) -> Result {
        if let own = unsafe panels(of: x), unsafe own.shape == shape { return unsafe try body(own) }
        return unsafe try withPacked(read(x), shape, body)
    }

    /// The same for a shortcut, if there is one.
    func withPanels<Result>(
        _ shortcut: Tensor?, _ shape: PanelShape, _ body: (UnsafePointer<Float>?) throws(DeviceError) -> Result
    ) throws(DeviceError) -> Result {
        guard let shortcut else { return try body(nil) }
        return unsafe try withPanels(shortcut, shape) { panels throws(DeviceError) in unsafe try body(panels.base) }
    }

    /// Calls `body` with rows packed in panels.
    func withPacked<Result>(
        _ source: UnsafePointer<Float>, _ shape: PanelShape, _ body: (Panels) throws(DeviceError) -> Result
    ) throws(DeviceError) -> Result {
        let packed = unsafe try pool.take(shape.count)
        defer { unsafe pool.giveBack(packed) }
        loop.run(shape.panels) { panel, _ in
            let rows = shape.rows(of: panel)
            unsafe kernels_pack(
                source + rows.lowerBound * shape.channels, shape.channels, rows.count, shape.channels, 1,
                packed.base + panel * shape.panelCount)
        }
        return unsafe try body(Panels(packed.base, shape))
    }

    /// The rows of panels, one after the other.
    func turn(_ storage: PanelStorage) throws(DeviceError) -> HostStorage {
        let shape = storage.shape
        return try storage.rows { () throws(DeviceError) in
            let rows = try HostStorage(count: storage.count, pool: pool, device: self)
            loop.run(shape.panels) { panel, _ in
                let range = shape.rows(of: panel)
                unsafe kernels_transpose(
                    storage.panels.base + panel * shape.panelCount, Panel.columns, shape.channels, range.count, 1, nil,
                    rows.base + range.lowerBound * shape.channels, shape.channels)
            }
            return rows
        }
    }
}
