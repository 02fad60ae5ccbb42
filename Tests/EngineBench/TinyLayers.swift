// Primitives on tensors so small that what is timed is their overhead.

import Processors
import Tensors

extension LayerTimes {
    /// Each primitive on 16 positions of 32 channels.
    static func tiny(_ device: CPUDevice) -> [Layer] {
        let x = tensor([1, 4, 4, 32], device)
        let tokens = x.reshaped([1, 16, 32])
        let square = tensor([32, 32], device)
        let kernel = tensor([32, 32, 3, 3], device)
        let scale = tensor([32], device)
        func layer(_ name: String, _ run: @escaping () -> Tensor) -> Layer {
            // A hundred calls: one takes microseconds.
            Layer(kind: "overhead of 100", name: "tiny \(name)", gigaflops: 0) {
                for _ in 1..<100 { _ = run() }
                return run()
            }
        }
        return [
            layer("linear") { tokens.linear(square) },
            layer("convolution 3x3") { x.convolution(kernel, padding: Padding(1)) },
            layer("attention") { Tensor.attention(queries: tokens, keys: tokens, values: tokens, heads: 2) },
            layer("group normalization") {
                x.groupNormalization(groups: 4, scale: scale, shift: scale, epsilon: 1e-5, activation: .silu)
            },
            layer("layer normalization") { tokens.layerNormalization(scale: scale, shift: scale, epsilon: 1e-5) },
            layer("activation") { x.applying(.silu) },
            layer("sum") { x + x },
        ]
    }

    /// Square products, ours and OpenBLAS's: what this processor reaches at best.
    static func peak(threads: Int?) -> [Layer] {
        [ProductKernel.fastest, .openBLAS].map { kernel in
            let device = CPUDevice(threads: threads, kernel: kernel)
            let x = tensor([1, 1920, 480], device)
            let weight = tensor([480, 480], device)
            return Layer(kind: "peak", name: "product 1920x480x480 \(kernel)", gigaflops: 2e-9 * 1920 * 480 * 480) {
                x.linear(weight)
            }
        }
    }
}
