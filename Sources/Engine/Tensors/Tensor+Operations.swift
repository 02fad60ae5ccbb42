// What tensors can do: each operation checks its shapes and hands over to the device.

extension Tensor {
    /// `x W^T + b + s`: `[..., in]` with `weight` `[out, in]`, `bias` `[out]` and `shortcut` `[..., out]` gives `[..., out]`.
    public func linear(_ weight: Tensor, bias: Tensor? = nil, adding shortcut: Tensor? = nil) -> Tensor {
        precondition(
            shape.count > 1 && weight.shape.count == 2 && weight.shape[1] == channels && channels > 0,
            "linear: \(shape) with weights \(weight.shape)")
        precondition(bias.map { $0.shape == [weight.shape[0]] } ?? true, "linear: bias \(bias!.shape)")
        precondition(
            shortcut.map { $0.shape == shape.dropLast() + [weight.shape[0]] } ?? true,
            "linear: \(shape) with shortcut \(shortcut!.shape)")
        return device.linear(self, weight: weight, bias: bias, adding: shortcut)
    }

    /// `activation(x W1^T + b1) W2^T + b2 + s`: `[..., in]` with an expansion `[wide, in]`, a contraction `[out, wide]`, or
    /// `[out, wide / 2]` after a gate, and a shortcut `[..., out]` gives `[..., out]`.
    public func perceptron(
        _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor? = nil
    ) -> Tensor {
        let (wide, narrow) = (expansion.weight.shape, contraction.weight.shape)
        precondition(
            shape.count > 1 && channels > 0 && wide.count == 2 && wide[1] == channels && narrow.count == 2
                && narrow[1] > 0 && wide[0] == activation.factor * narrow[1],
            "perceptron: \(shape) with weights \(wide), then \(narrow)")
        precondition(
            expansion.bias.map { $0.shape == [wide[0]] } ?? true, "perceptron: first bias \(expansion.bias!.shape)")
        precondition(
            contraction.bias.map { $0.shape == [narrow[0]] } ?? true,
            "perceptron: second bias \(contraction.bias!.shape)")
        precondition(
            shortcut.map { $0.shape == shape.dropLast() + [narrow[0]] } ?? true,
            "perceptron: \(shape) with shortcut \(shortcut!.shape)")
        return device.perceptron(self, expansion, activation, contraction, adding: shortcut)
    }

    /// Cross-correlation of `[batch, rows, columns, in]` with `weight` `[out, in, height, width]`; then `shortcut`, of the result's
    /// shape, is added to it, and the activation comes last, as at the end of a residual block (He et al. 2016).
    ///
    /// A layer that activates before its shortcut, as darknet's do, is a convolution with an activation and a sum after it.
    public func convolution(
        _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding = Padding(0),
        adding shortcut: Tensor? = nil, activation: Activation? = nil
    ) -> Tensor {
        precondition(
            shape.count == 4 && weight.shape.count == 4 && weight.shape[1] == channels
                && weight.shape.dropFirst().allSatisfy { $0 > 0 } && stride > 0,
            "convolution: \(shape) with weights \(weight.shape), stride \(stride)")
        precondition(bias.map { $0.shape == [weight.shape[0]] } ?? true, "convolution: bias \(bias!.shape)")
        precondition(
            shape[1] + padding.top + padding.bottom >= weight.shape[2]
                && shape[2] + padding.left + padding.right >= weight.shape[3],
            "convolution: \(shape) is smaller than its kernel \(weight.shape)")
        let rows = (shape[1] + padding.top + padding.bottom - weight.shape[2]) / stride + 1
        let columns = (shape[2] + padding.left + padding.right - weight.shape[3]) / stride + 1
        precondition(
            shortcut.map { $0.shape == [shape[0], rows, columns, weight.shape[0]] } ?? true,
            "convolution: \(shape) with weights \(weight.shape) and shortcut \(shortcut!.shape)")
        return device.convolution(
            self, weight: weight, bias: bias, stride: stride, padding: padding, adding: shortcut, activation: activation
        )
    }

    /// Multi-head attention with scale `1/sqrt(head size)`: queries `[batch, n, heads * size]`, keys and values
    /// `[batch, m, heads * size]` give `[batch, n, heads * size]`. Causal: position i sees positions 0...i.
    public static func attention(
        queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool = false
    ) -> Tensor {
        precondition(
            queries.shape.count == 3 && keys.shape.count == 3 && keys.shape == values.shape
                && queries.shape[0] == keys.shape[0] && queries.channels == keys.channels && keys.shape[1] > 0
                && queries.channels > 0 && heads > 0 && queries.channels % heads == 0
                && (!isCausal || queries.shape == keys.shape),
            "attention: queries \(queries.shape), keys \(keys.shape), values \(values.shape), \(heads) heads")
        return queries.device.attention(
            queries: queries, keys: keys, values: values, heads: heads, isCausal: isCausal)
    }

    /// Group normalization of `[batch, ..., channels]`, then the activation.
    public func groupNormalization(
        groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation? = nil
    ) -> Tensor {
        precondition(
            channels > 0 && groups > 0 && channels % groups == 0 && scale.shape == [channels]
                && shift.shape == [channels],
            "group normalization: \(shape) in \(groups) groups with \(scale.shape)")
        return device.groupNormalization(
            self, groups: groups, scale: scale, shift: shift, epsilon: epsilon, activation: activation)
    }

    /// Layer normalization over the last dimension.
    public func layerNormalization(scale: Tensor, shift: Tensor, epsilon: Float) -> Tensor {
        precondition(
            channels > 0 && scale.shape == [channels] && shift.shape == [channels],
            "layer normalization: \(shape), \(scale.shape)")
        return device.layerNormalization(self, scale: scale, shift: shift, epsilon: epsilon)
    }

    /// The activation of each number.
    public func applying(_ activation: Activation) -> Tensor { device.apply(activation, to: self) }

    /// The first half of the channels times the exact GELU of the second: `[..., 2d]` gives `[..., d]`.
    public func gatedGelu() -> Tensor {
        precondition(channels > 0 && channels % 2 == 0, "gated GELU: \(shape)")
        return device.gatedGelu(self)
    }

    /// The sum of two tensors of one shape.
    public static func + (x: Tensor, y: Tensor) -> Tensor {
        precondition(x.shape == y.shape, "add: \(x.shape) and \(y.shape)")
        return x.device.add(x, y)
    }

    /// Adds `[batch, channels]` to each position of `[batch, ..., channels]`.
    public func adding(perSample: Tensor) -> Tensor {
        precondition(perSample.shape == [shape[0], channels], "add per sample: \(shape) and \(perSample.shape)")
        return device.add(self, perSample: perSample)
    }

    /// This tensor's channels, then the other's, at each position.
    public func concatenatingChannels(_ other: Tensor) -> Tensor {
        precondition(
            shape.dropLast() == other.shape.dropLast() && channels > 0 && other.channels > 0,
            "concatenate channels: \(shape) and \(other.shape)")
        return device.concatenateChannels(self, other)
    }

    /// An image at another size: output row r shows input row `floor(r * rows in / rows out)`, columns alike.
    public func upsampledNearest(rows: Int, columns: Int) -> Tensor {
        precondition(
            shape.count == 4 && shape[1] > 0 && shape[2] > 0 && rows > 0 && columns > 0,
            "upsample: \(shape) to \(rows) x \(columns)")
        return device.upsampleNearest(self, rows: rows, columns: columns)
    }

    /// Rows of a table `[n, channels]`: identifiers `[batch][positions]` give `[batch, positions, channels]`.
    public static func embedding(_ table: Tensor, identifiers: [[Int]]) -> Tensor {
        precondition(table.shape.count == 2 && !identifiers.isEmpty, "embedding: table \(table.shape)")
        for row in identifiers {
            precondition(
                row.count == identifiers[0].count, "embedding: rows of \(identifiers[0].count) and \(row.count)")
            precondition(
                row.allSatisfy { (0..<table.shape[0]).contains($0) }, "embedding: table \(table.shape), \(row)")
        }
        return table.device.embedding(table, identifiers: identifiers)
    }
}
