// The primitives of detectors on the shapes of ResNet and YOLOv4.

import Processors
import Tensors

extension LayerTimes {
    /// For an image eight times as high and wide as `rows` by `columns`: convolutions with and without an activation, and pooling.
    static func detector(rows: Int, columns: Int, _ device: CPUDevice) -> [Layer] {
        var layers: [Layer] = []
        let activations: [(String, Activation?)] = [
            ("linear", nil), ("relu", .relu), ("leaky", .leakyRelu(slope: 0.1)), ("mish", .mish),
        ]
        // A bottleneck's first sum and its middle at a quarter of the image's sides; a deep layer at a sixteenth.
        for (scale, inputs, outputs, side) in [(4, 64, 256, 1), (4, 64, 64, 3), (16, 1024, 256, 1)] {
            let image = [1, rows * 8 / scale, columns * 8 / scale, inputs]
            for (name, activation) in activations {
                layers.append(convolution(image, outputs, side, name, activation, device))
            }
        }
        let stem = PoolingWindow(3, stride: 2, padding: Padding(1))
        layers.append(pooling([1, 4 * rows, 4 * columns, 64], stem, device))
        for side in [5, 9, 13] { layers.append(pooling([1, 19, 19, 512], .around(side), device)) }
        return layers
    }

    private static func convolution(
        _ image: [Int], _ outputs: Int, _ side: Int, _ name: String, _ activation: Activation?, _ device: CPUDevice
    ) -> Layer {
        Layer(
            kind: "convolution \(side)x\(side)", name: "detector \(image) to \(outputs), \(name)",
            gigaflops: 2e-9 * Double(image.reduce(outputs * side * side, *)),
            run: lazily {
                let x = tensor(image, device)
                let weight = tensor([outputs, image[3], side, side], device)
                let bias = tensor([outputs], device)
                return { x.convolution(weight, bias: bias, padding: Padding(side / 2), activation: activation) }
            })
    }

    private static func pooling(_ image: [Int], _ window: PoolingWindow, _ device: CPUDevice) -> Layer {
        Layer(
            kind: "pooling", name: "detector \(image), window of \(window.rows)", gigaflops: 0,
            run: lazily {
                let x = tensor(image, device)
                return { x.pooled(.greatest, window) }
            })
    }
}
