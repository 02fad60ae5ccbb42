// Perceptrons: what lies between their two layers is wide, so it is computed for some panels at a time and never goes through
// memory; values and gates (Shazeer 2020, GEGLU) of some channels are multiplied while they are in the second cache.

import CKernels
public import Tensors

extension CPUDevice {
    /// In panels, as its input stands or all rows one after the other; layer by layer where panels do not pay.
    public func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor {
        let layers = unsafe PerceptronLayers(
            expansion: try layerWeights(expansion.weight), bias: try read(expansion.bias),
            activation: activation, contraction: try layerWeights(contraction.weight),
            contractionBias: try read(contraction.bias))
        let rows = x.count / max(x.channels, 1)
        guard kernel.keepsRowsApart, unsafe isWork(rows, layers.expansion), unsafe isWork(rows, layers.contraction)
        else {
            let wide = try linear(x, weight: expansion.weight, bias: expansion.bias, adding: nil)
            return try linear(
                activation.apply(to: wide, on: self), weight: contraction.weight, bias: contraction.bias,
                adding: shortcut)
        }
        let input =
            panelsOfResult(x, adding: nil) ?? PanelShape(samples: 1, rows: rows, channels: x.channels)
        let output = unsafe input.with(channels: layers.contraction.columns)
        return unsafe try withPanels(x, input) { rows throws(DeviceError) in
            unsafe try withPanels(shortcut, output) { plus throws(DeviceError) in
                unsafe try makePanels(x.shape.dropLast() + [output.channels], output) { result throws(DeviceError) in
                    unsafe try perceptron(rows, layers, adding: plus, result)
                }
            }
        }
    }

    /// Numbers between the layers that wait for the second one: 8 MB, which stay in the last cache.
    private static let hiddenNumbers = 2 << 20
    /// With fewer panels, reading the weights once more would cost over a fiftieth.
    private static let fewestPanels = 64

    private func perceptron(
        _ rows: Panels, _ layers: PerceptronLayers, adding shortcut: UnsafePointer<Float>?,
        _ result: UnsafeMutablePointer<Float>
    ) throws(DeviceError) {
        let (channels, all) = unsafe (layers.contraction.depth, rows.shape.panels)
        let most = max(Self.fewestPanels, Self.hiddenNumbers / (channels * Panel.columns))
        let blocks = (all + most - 1) / most
        let size = (all + blocks - 1) / blocks
        let hidden = unsafe try pool.take(size * Panel.columns * channels)
        defer { unsafe pool.giveBack(hidden) }
        for first in stride(from: 0, to: all, by: size) {
            let part = unsafe rows.part(first..<min(first + size, all))
            let at = unsafe first * Panel.columns * layers.contraction.columns
            unsafe try expand(part, layers, to: hidden.base)
            unsafe multiply(
                PanelProduct(
                    Panels(hidden.base, part.shape.with(channels: channels)), layers.contraction,
                    Added(bias: layers.contractionBias, shortcut: shortcut.map { unsafe $0 + at }), to: result + at))
        }
    }

    /// The first layer and the nonlinearity, `[panel, channel, 16]`.
    private func expand(
        _ rows: Panels, _ layers: PerceptronLayers, to hidden: UnsafeMutablePointer<Float>
    ) throws(DeviceError) {
        let width = Panel.columns
        let channels = unsafe layers.contraction.depth
        let pieces = unsafe ChannelPieces(
            channels, most: layers.isGated ? ChannelPieces.most / 2 : ChannelPieces.most, lanes: loop.lanes)
        let groups = unsafe PanelGroups(rows.shape.panels)
        let product = unsafe PanelProduct(
            rows, layers.expansion, Added(bias: layers.bias, shortcut: nil), to: hidden)
        unsafe try withScratch(layers.isGated ? 2 * pieces.size * width * groups.size : 0) { scratch in
            loop.run(groups.count * pieces.count) { item, lane in
                let (piece, group) = (pieces[item % pieces.count], groups[item / pieces.count])
                let following = pieces.next(item, of: groups.count, lanes: loop.lanes)
                let (numbers, panelStride) = (piece.count * width, channels * width)
                let to = unsafe hidden + group.lowerBound * panelStride + piece.lowerBound * width
                switch unsafe layers.activation {
                case .pointwise(let activation):
                    unsafe multiply(piece, next: following, group, product, to: to, panelStride: panelStride)
                    for panel in 0..<group.count {
                        let part = unsafe to + panel * panelStride
                        unsafe Self.apply(activation, part, part, numbers)
                    }
                case .gatedGelu:
                    // Values, then gates.
                    let both = unsafe scratch(lane)
                    let gates = piece.lowerBound + channels..<piece.upperBound + channels
                    unsafe multiply(
                        piece, next: gates.lowerBound, group, product, to: both, panelStride: 2 * numbers)
                    unsafe multiply(
                        gates, next: following, group, product, to: both + numbers, panelStride: 2 * numbers)
                    unsafe kernels_gated_gelu(both, 2 * numbers, to, panelStride, group.count, numbers)
                }
            }
        }
    }
}

/// A perceptron's layers where their numbers lie.
@unsafe private struct PerceptronLayers {
    let expansion: LayerWeights
    let bias: UnsafePointer<Float>?
    let activation: PerceptronActivation
    let contraction: LayerWeights
    let contractionBias: UnsafePointer<Float>?

    var isGated: Bool { unsafe activation == .gatedGelu }
}
