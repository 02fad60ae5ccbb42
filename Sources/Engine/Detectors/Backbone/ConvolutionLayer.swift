// Convolutions as detectors have them: read from a state dict, batch normalization folded in.

import Tensors

/// A convolution whose padding keeps an image's size at stride 1.
struct ConvolutionLayer: Sendable {
    /// `[out, in, kernel, kernel]`.
    let weight: Tensor
    /// `[out]`.
    let bias: Tensor?
    /// Pixels from one output to the next.
    let stride: Int

    /// Channels of what it gives.
    var outputs: Int { weight.shape[0] }

    /// Reads `weight` and, where there is to be one, `bias`; `nil` takes as many channels as the file says.
    init(
        _ place: StateDict, in inputs: Int, out outputs: Int? = nil, kernel: Int = 3, stride: Int = 1,
        hasBias: Bool = true
    ) throws(DetectorError) {
        weight = try place.tensor("weight", [outputs, inputs, kernel, kernel])
        bias = hasBias ? try place.tensor("bias", [weight.shape[0]]) : nil
        self.stride = stride
    }

    /// Reads a convolution without bias and the batch normalization after it, whose statistics are fixed: `y = (x - mean) /
    /// sqrt(variance + epsilon) * scale + shift` is linear, so it goes into the convolution's weight and bias.
    init(
        _ place: StateDict, normalizedBy normalization: StateDict, epsilon: Double, in inputs: Int,
        out outputs: Int? = nil, kernel: Int, stride: Int = 1
    ) throws(DetectorError) {
        var weight = try place.values("weight", [outputs, inputs, kernel, kernel])
        let outputs = weight.shape[0]
        let scale = try normalization.values("weight", [outputs]).floats
        let shift = try normalization.values("bias", [outputs]).floats
        let mean = try normalization.values("running_mean", [outputs]).floats
        let variance = try normalization.values("running_var", [outputs]).floats
        var bias: [Float] = []
        let each = inputs * kernel * kernel
        for output in 0..<outputs {
            let factor = Double(scale[output]) / (Double(variance[output]) + epsilon).squareRoot()
            bias.append(Float(Double(shift[output]) - Double(mean[output]) * factor))
            for index in output * each..<(output + 1) * each {
                weight.floats[index] = Float(Double(weight.floats[index]) * factor)
            }
        }
        guard bias.allSatisfy(\.isFinite), weight.floats.allSatisfy(\.isFinite) else {
            throw normalization.error(
                "running_var", expected: "variances above \(-epsilon), as epsilon is \(epsilon)",
                found: "\(variance.min() ?? 0)")
        }
        self.weight = Tensor(weight.floats, shape: weight.shape, device: place.device)
        self.bias = Tensor(bias, shape: [outputs], device: place.device)
        self.stride = stride
    }

    /// Reads a convolution whose result is multiplied by `factor`.
    init(_ place: StateDict, in inputs: Int, out outputs: Int, times factor: Float) throws(DetectorError) {
        let weight = try place.values("weight", [outputs, inputs, 3, 3])
        let bias = try place.values("bias", [outputs])
        self.weight = Tensor(weight.floats.map { $0 * factor }, shape: weight.shape, device: place.device)
        self.bias = Tensor(bias.floats.map { $0 * factor }, shape: bias.shape, device: place.device)
        stride = 1
    }

    /// `[batch, rows, columns, in]` gives `[batch, rows / stride, columns / stride, out]`, rounded up; bias, shortcut,
    /// activation.
    func callAsFunction(_ x: Tensor, adding shortcut: Tensor? = nil, activation: Activation? = nil) -> Tensor {
        x.convolution(
            weight, bias: bias, stride: stride, padding: Padding(weight.shape[2] / 2), adding: shortcut,
            activation: activation)
    }
}
