// The engine's primitives on the shapes of Stable Diffusion's U-Net.

import Processors
import Tensors

/// One layer of the model: a name, its work in multiply-adds times two, and a way to run it once.
struct Layer {
    let kind: String
    let name: String
    let gigaflops: Double
    let run: () -> Tensor
}

/// Times each layer.
enum LayerTimes {
    static func run(rows: Int, columns: Int, name: String, threads: Int?, runs: Int) {
        let device = CPUDevice(threads: threads)
        let all = peak(threads: threads) + tiny(device) + layers(rows: rows, columns: columns, device: device)
        for layer in all where name.isEmpty || layer.name.contains(name) { report(layer, runs: runs) }
    }

    static func report(_ layer: Layer, runs: Int) {
        if let failure = layer.run().failure { fatalError("\(failure)") }
        let seconds = (0..<runs).map { _ in
            let begin = ContinuousClock.now
            _ = layer.run()
            return (ContinuousClock.now - begin) / .seconds(1)
        }.sorted()
        let median = seconds[runs / 2]
        let speed = layer.gigaflops / median
        print(
            "{\"kind\":\"\(layer.kind)\",\"layer\":\"\(layer.name)\",\"milliseconds\":"
                + "\((median * 1e5).rounded() / 100),\"gflops\":\((speed * 10).rounded() / 10)}")
    }

    static func layers(rows: Int, columns: Int, device: CPUDevice) -> [Layer] {
        var layers: [Layer] = []
        for (level, channels) in [320, 640, 1280, 1280].enumerated() {
            let (height, width) = (((rows - 1) >> level) + 1, ((columns - 1) >> level) + 1)
            layers += convolutions(height, width, channels, device)
            if level < 3 { layers += transformer(height * width, channels, device) }
        }
        return layers + decoder(rows: rows, columns: columns, device)
            + detector(rows: rows, columns: columns, device)
    }

    /// Stable Diffusion's decoder: one sample, its channels from the coarsest resolution to the finest.
    static func decoder(rows: Int, columns: Int, _ device: CPUDevice) -> [Layer] {
        var layers: [Layer] = []
        for (level, (inputs, outputs)) in [(512, 512), (512, 512), (512, 256), (256, 128), (128, 128), (128, 3)]
            .enumerated()
        {
            let scale = 1 << min(level, 3)
            let (height, width) = (rows * scale, columns * scale)
            let name = "decoder \(height)x\(width) \(inputs)->\(outputs)"
            // Made when they are timed: all together take gigabytes.
            layers.append(
                Layer(
                    kind: "convolution 3x3", name: name,
                    gigaflops: 2e-9 * Double(height * width * inputs * outputs * 9),
                    run: lazily {
                        let x = tensor([1, height, width, inputs], device)
                        let weight = tensor([outputs, inputs, 3, 3], device)
                        return { x.convolution(weight, padding: Padding(1)) }
                    }))
            layers.append(
                Layer(
                    kind: "other", name: "group normalization \(name)", gigaflops: 0,
                    run: lazily {
                        let x = tensor([1, height, width, inputs], device)
                        let scale = tensor([inputs], device)
                        return {
                            x.groupNormalization(
                                groups: 32, scale: scale, shift: scale, epsilon: 1e-6, activation: .silu)
                        }
                    }))
        }
        let positions = rows * columns
        layers.append(
            Layer(
                kind: "attention", name: "decoder self \(positions) 512",
                gigaflops: 4e-9 * Double(positions * positions * 512),
                run: lazily {
                    let x = tensor([1, positions, 512], device)
                    return { Tensor.attention(queries: x, keys: x, values: x, heads: 1) }
                }))
        return layers
    }

    /// Makes what `make` prepares at the first call.
    static func lazily(_ make: @escaping () -> () -> Tensor) -> () -> Tensor {
        var made: (() -> Tensor)?
        return {
            let run = made ?? make()
            made = run
            return run()
        }
    }

    static func tensor(_ shape: [Int], _ device: CPUDevice) -> Tensor {
        let count = shape.reduce(1, *)
        return Tensor(
            (0..<count).map { Float(($0 &* 2_654_435_761) & 0xFFFF) / 65536 - 0.5 }, shape: shape, device: device)
    }

    static func convolutions(_ rows: Int, _ columns: Int, _ channels: Int, _ device: CPUDevice) -> [Layer] {
        [channels, channels * 2].map { inputs in
            let x = tensor([2, rows, columns, inputs], device)
            let weight = tensor([channels, inputs, 3, 3], device)
            return Layer(
                kind: "convolution 3x3", name: "\(rows)x\(columns) \(inputs)->\(channels)",
                gigaflops: 2e-9 * Double(2 * rows * columns * inputs * channels * 9)
            ) { x.convolution(weight, padding: Padding(1)) }
        }
    }

    static func transformer(_ positions: Int, _ channels: Int, _ device: CPUDevice) -> [Layer] {
        let x = tensor([2, positions, channels], device)
        let text = tensor([2, 77, channels], device)
        let wide = tensor([8 * channels, channels], device)
        let square = tensor([channels, channels], device)
        let gated = tensor([2, positions, 8 * channels], device)
        let scale = tensor([channels], device)
        let products = 2e-9 * Double(2 * positions)
        let attend = 2 * products * Double(channels)
        return [
            Layer(
                kind: "linear", name: "\(positions) \(channels)->\(8 * channels)",
                gigaflops: products * Double(8 * channels * channels)
            ) { x.linear(wide) },
            Layer(
                kind: "linear", name: "\(positions) \(channels)->\(channels)",
                gigaflops: products * Double(channels * channels)
            ) { x.linear(square) },
            Layer(kind: "attention", name: "self \(positions) \(channels)", gigaflops: attend * Double(positions)) {
                Tensor.attention(queries: x, keys: x, values: x, heads: 8)
            },
            Layer(kind: "attention", name: "text \(positions) \(channels)", gigaflops: attend * 77) {
                Tensor.attention(queries: x, keys: text, values: text, heads: 8)
            },
            Layer(kind: "other", name: "gated GELU \(positions) \(channels)", gigaflops: 0) { gated.gatedGelu() },
            Layer(kind: "other", name: "layer normalization \(positions) \(channels)", gigaflops: 0) {
                x.layerNormalization(scale: scale, shift: scale, epsilon: 1e-5)
            },
            Layer(kind: "other", name: "group normalization \(positions) \(channels)", gigaflops: 0) {
                x.groupNormalization(groups: 32, scale: scale, shift: scale, epsilon: 1e-5, activation: .silu)
            },
            Layer(kind: "other", name: "add \(positions) \(channels)", gigaflops: 0) { x + x },
        ]
    }
}
