// Scalar references: what each operation computes, in float64 and without any cleverness.

import Foundation
import Tensors

/// A plain array with a shape, for the scalar references.
struct Reference {
    var shape: [Int]
    var values: [Double]

    init(_ shape: [Int], _ values: [Double]) {
        (self.shape, self.values) = (shape, values)
    }

    init(_ tensor: Tensor) throws(DeviceError) { self.init(tensor.shape, try tensor.floats().map(Double.init)) }

    init(_ shape: [Int], _ value: ([Int]) -> Double) {
        self.init(shape, [])
        var index = [Int](repeating: 0, count: shape.count)
        for _ in 0..<shape.reduce(1, *) {
            values.append(value(index))
            for dimension in shape.indices.reversed() {
                index[dimension] += 1
                if index[dimension] < shape[dimension] { break }
                index[dimension] = 0
            }
        }
    }

    subscript(_ index: Int...) -> Double {
        var flat = 0
        for (dimension, position) in index.enumerated() { flat = flat * shape[dimension] + position }
        return values[flat]
    }

    /// The Euclidean norm of the difference over that of this.
    func relativeError(of tensor: Tensor) throws(DeviceError) -> Double {
        guard tensor.shape == shape else { return .infinity }
        var (difference, norm) = (0.0, 1e-30)
        for (expected, found) in zip(values, try tensor.floats()) {
            difference += (expected - Double(found)) * (expected - Double(found))
            norm += expected * expected
        }
        return (difference / norm).squareRoot()
    }

    static func activation(_ activation: Activation, _ x: Double) -> Double {
        switch activation {
        case .silu: x / (1 + exp(-x))
        case .gelu: x * 0.5 * erfc(-x / 2.0.squareRoot())
        case .quickGelu: x / (1 + exp(-1.702 * x))
        case .relu: x < 0 ? 0 : x
        case .leakyRelu(let slope): x < 0 ? x * Double(slope) : x
        case .mish: x * tanh(log1p(exp(x)))
        case .sigmoid: x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x))
        }
    }

    static func linear(_ x: Reference, _ weight: Reference, _ bias: Reference?) -> Reference {
        let (inputs, outputs) = (weight.shape[1], weight.shape[0])
        let rows = x.values.count / inputs
        return Reference(x.shape.dropLast() + [outputs], []).filled(rows * outputs) { flat in
            let (row, output) = (flat / outputs, flat % outputs)
            return (0..<inputs).reduce(bias?[output] ?? 0) {
                $0 + x.values[row * inputs + $1] * weight.values[output * inputs + $1]
            }
        }
    }

    func filled(_ count: Int, _ value: (Int) -> Double) -> Reference { Reference(shape, (0..<count).map(value)) }

    static func convolution(
        _ x: Reference, _ weight: Reference, _ bias: Reference?, stride: Int, padding: Padding
    ) -> Reference {
        let (height, width, inputs) = (x.shape[1], x.shape[2], x.shape[3])
        let (kernelHeight, kernelWidth) = (weight.shape[2], weight.shape[3])
        let rows = (height + padding.top + padding.bottom - kernelHeight) / stride + 1
        let columns = (width + padding.left + padding.right - kernelWidth) / stride + 1
        return Reference([x.shape[0], rows, columns, weight.shape[0]]) { at in
            var sum = bias?[at[3]] ?? 0
            for ky in 0..<kernelHeight {
                for kx in 0..<kernelWidth {
                    let (y, x1) = (at[1] * stride + ky - padding.top, at[2] * stride + kx - padding.left)
                    guard (0..<height).contains(y), (0..<width).contains(x1) else { continue }
                    let pixel = ((at[0] * height + y) * width + x1) * inputs
                    let tap = (at[3] * inputs * kernelHeight + ky) * kernelWidth + kx
                    for input in 0..<inputs {
                        sum += x.values[pixel + input] * weight.values[tap + input * kernelHeight * kernelWidth]
                    }
                }
            }
            return sum
        }
    }

    static func attention(_ q: Reference, _ k: Reference, _ v: Reference, heads: Int, isCausal: Bool) -> Reference {
        let size = q.shape[2] / heads
        return Reference(q.shape) { at in
            let head = at[2] / size
            let seen = isCausal ? at[1] + 1 : k.shape[1]
            let scores = (0..<seen).map { key in
                (0..<size).reduce(0.0) { $0 + q[at[0], at[1], head * size + $1] * k[at[0], key, head * size + $1] }
                    / Double(size).squareRoot()
            }
            let most = scores.max()!
            let weights = scores.map { exp($0 - most) }
            let total = weights.reduce(0, +)
            return (0..<seen).reduce(0.0) { $0 + weights[$1] / total * v[at[0], $1, at[2]] }
        }
    }

    static func groupNormalization(
        _ x: Reference, groups: Int, scale: Reference, shift: Reference, epsilon: Double
    ) -> Reference {
        let (samples, channels) = (x.shape[0], x.shape[x.shape.count - 1])
        let (each, perImage) = (channels / groups, x.values.count / samples)
        var result = x
        for sample in 0..<samples {
            for group in 0..<groups {
                let members = (sample * perImage..<(sample + 1) * perImage).filter { $0 % channels / each == group }
                let mean = members.reduce(0) { $0 + x.values[$1] } / Double(members.count)
                let variance = members.reduce(0) { $0 + (x.values[$1] - mean) * (x.values[$1] - mean) }
                let deviation = (variance / Double(members.count) + epsilon).squareRoot()
                for index in members {
                    let channel = index % channels
                    result.values[index] = (x.values[index] - mean) / deviation * scale[channel] + shift[channel]
                }
            }
        }
        return result
    }
}
