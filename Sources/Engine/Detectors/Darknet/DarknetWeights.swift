// The numbers of a darknet .weights file.

import Files
import Foundation
import Tensors

/// A convolution's weight and bias, batch normalization folded in.
struct FoldedConvolution: Sendable {
    /// `[out, in, kernel, kernel]`.
    var weight: Tensor
    /// `[out]`.
    var bias: Tensor
}

/// Reads a .weights file: a header, then for each convolution its biases, where it is normalized scales, means and variances,
/// and its weights, all float32 (darknet's `parser.c`, `load_weights_upto`).
struct DarknetWeights {
    /// Added to a variance (darknet's `fuse_conv_batchnorm`).
    private static let epsilon = 1e-5

    private let file: RegularFile
    private var offset: Int

    /// Opens a file and holds its size against the network's.
    init(path: String, for configuration: DarknetConfiguration) throws(DetectorError) {
        let file: RegularFile
        let head: [UInt8]
        do {
            file = try RegularFile(path: path, following: true)
            head = try file.bytes(at: 0, count: 20)
        } catch {
            throw DetectorError(.file, "\(error.line); expected a darknet .weights file")
        }
        guard head.count >= 16 else {
            throw DetectorError(
                .content,
                "\(path): expected a darknet .weights file, found \(head.count) bytes; copy or download it again")
        }
        func number(_ place: Int) -> Int {
            (0..<4).reversed().reduce(0) { $0 << 8 | Int(head[place + $1]) }
        }
        // From version 0.2 on, the count of images that it was trained on takes 8 bytes.
        let (major, minor) = (number(0), number(4))
        offset = major * 10 + minor >= 2 && major < 1000 && minor < 1000 ? 20 : 16
        self.file = file
        let expected = offset + 4 * configuration.parameters
        guard file.size == expected else {
            throw DetectorError(
                .content,
                "\(path): expected \(expected) bytes, which the .cfg file's layers have, found \(file.size); give the "
                    + ".weights file that belongs to it, or download it again")
        }
    }

    /// The next convolution of the file.
    mutating func next(_ convolution: DarknetConvolution, on device: any Device) throws(DetectorError)
        -> FoldedConvolution
    {
        let outputs = convolution.outputs
        var bias = try floats(outputs)
        var factors = [Float](repeating: 1, count: outputs)
        if convolution.isNormalized {
            let (scales, means, variances) = (try floats(outputs), try floats(outputs), try floats(outputs))
            for index in 0..<outputs {
                let factor = Double(scales[index]) / (Double(variances[index]) + Self.epsilon).squareRoot()
                factors[index] = Float(factor)
                bias[index] = Float(Double(bias[index]) - Double(means[index]) * factor)
            }
        }
        let each = convolution.inputs * convolution.kernel * convolution.kernel
        var weight = try floats(outputs * each)
        for output in 0..<outputs where factors[output] != 1 {
            for index in output * each..<(output + 1) * each { weight[index] *= factors[output] }
        }
        guard (bias + weight).allSatisfy(\.isFinite) else {
            throw DetectorError(
                .content,
                "\(file.path): expected finite numbers, found others before byte \(offset); download the file again")
        }
        let shape = [outputs, convolution.inputs, convolution.kernel, convolution.kernel]
        return FoldedConvolution(
            weight: Tensor(weight, shape: shape, device: device), bias: Tensor(bias, shape: [outputs], device: device))
    }

    private mutating func floats(_ count: Int) throws(DetectorError) -> [Float] {
        let bytes: [UInt8]
        do {
            bytes = try file.bytes(at: offset, count: 4 * count)
        } catch {
            throw DetectorError(.file, error.line)
        }
        guard bytes.count == 4 * count else {
            throw DetectorError(
                .content,
                "\(file.path): expected \(4 * count) bytes at \(offset), found \(bytes.count): somebody shortened it")
        }
        offset += 4 * count
        return bytes.withUnsafeBytes { raw in
            (0..<count).map {
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
            }
        }
    }
}
