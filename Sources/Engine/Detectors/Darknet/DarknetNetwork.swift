// A darknet network with its weights: from pixels to the numbers that boxes are read from.

import Tensors

/// The layers of a .cfg file, computed one after the other.
struct DarknetNetwork: Sendable {
    let configuration: DarknetConfiguration
    private let device: any Device
    /// One for each layer that is a convolution.
    private let convolutions: [Int: FoldedConvolution]

    init(_ configuration: DarknetConfiguration, weights path: String, device: any Device) throws(DetectorError) {
        self.configuration = configuration
        self.device = device
        var weights = try DarknetWeights(path: path, for: configuration)
        var convolutions: [Int: FoldedConvolution] = [:]
        for (index, layer) in configuration.layers.enumerated() {
            guard case .convolutional(let convolution) = layer else { continue }
            convolutions[index] = try weights.next(convolution, on: device)
        }
        self.convolutions = convolutions
    }

    /// `[batch, height, width, 3]`, colors 0...1, gives what stands before each `[yolo]` layer, `[batch, rows, columns,
    /// anchors * (5 + classes)]`, in the order of the file.
    func callAsFunction(_ image: Tensor) -> [Tensor] {
        var outputs: [Tensor?] = []
        var heads: [Tensor] = []
        for (index, layer) in configuration.layers.enumerated() {
            let last = index == 0 ? image : outputs[index - 1]!
            if case .yolo = layer { heads.append(last) }
            outputs.append(compute(layer, at: index, last, outputs))
            for place in outputs.indices where configuration.lastUse[place] <= index { outputs[place] = nil }
        }
        return heads
    }

    private func compute(_ layer: DarknetLayer, at index: Int, _ last: Tensor, _ outputs: [Tensor?]) -> Tensor {
        switch layer {
        case .convolutional(let convolution):
            let weights = convolutions[index]!
            return last.convolution(
                weights.weight, bias: weights.bias, stride: convolution.stride, padding: Padding(convolution.padding),
                activation: convolution.activation)
        case .route(let layers, let groups, let group):
            let parts = layers.map { place in
                let part = outputs[place]!
                let each = part.channels / groups
                return groups == 1 ? part : part.channels(group * each..<(group + 1) * each)
            }
            return parts.dropFirst().reduce(parts[0]) { $0.concatenatingChannels($1) }
        case .shortcut(let place, let activation):
            let sum = last + outputs[place]!
            return activation.map(sum.applying) ?? sum
        case .maximumPool(let window): return last.pooled(.greatest, window)
        case .upsample(let scale):
            return last.upsampledNearest(rows: scale * last.shape[1], columns: scale * last.shape[2])
        case .yolo: return last
        }
    }
}
