// What tensors can do: each operation checks its shapes and hands over to the device, unless an argument has failed.

extension Tensor {
    /// The result of an operation, or a tensor of its shape that carries why there is none: the first failure among the
    /// arguments, or that of the device.
    /// - Parameters:
    ///   - operation: its name and shapes, for the error's line.
    ///   - shape: that of the result.
    ///   - arguments: beside this tensor.
    func computed(
        _ operation: @autoclosure () -> String, _ shape: [Int], from arguments: [Tensor?] = [],
        _ compute: (any Device) throws(DeviceError) -> Tensor
    ) -> Tensor {
        let device = device
        if let failure = failure ?? arguments.lazy.compactMap({ $0?.failure }).first {
            return Tensor(failure: failure, shape: shape, device: device)
        }
        do {
            let result = try compute(device)
            precondition(result.shape == shape, "\(operation()): expected \(shape), found \(result.shape)")
            return result
        } catch {
            return Tensor(failure: error.during(operation()), shape: shape, device: device)
        }
    }

    /// `x W^T + b + s`: `[..., in]` with `weight` `[out, in]`, `bias` `[out]` and `shortcut` `[..., out]` gives `[..., out]`.
    public func linear(_ weight: Tensor, bias: Tensor? = nil, adding shortcut: Tensor? = nil) -> Tensor {
        precondition(
            shape.count > 1 && weight.shape.count == 2 && weight.shape[1] == channels && channels > 0,
            "linear: \(shape) with weights \(weight.shape)")
        precondition(bias.map { $0.shape == [weight.shape[0]] } ?? true, "linear: bias \(bias!.shape)")
        precondition(
            shortcut.map { $0.shape == shape.dropLast() + [weight.shape[0]] } ?? true,
            "linear: \(shape) with shortcut \(shortcut!.shape)")
        return computed(
            "linear: \(shape) with weights \(weight.shape)", shape.dropLast() + [weight.shape[0]],
            from: [weight, bias, shortcut]
        ) { device throws(DeviceError) in
            try device.linear(self, weight: weight, bias: bias, adding: shortcut)
        }
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
        return computed(
            "perceptron: \(shape) with weights \(wide), then \(narrow)", shape.dropLast() + [narrow[0]],
            from: [expansion.weight, expansion.bias, contraction.weight, contraction.bias, shortcut]
        ) { device throws(DeviceError) in
            try device.perceptron(self, expansion, activation, contraction, adding: shortcut)
        }
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
        let result = [shape[0], rows, columns, weight.shape[0]]
        precondition(
            shortcut.map { $0.shape == result } ?? true,
            "convolution: \(shape) with weights \(weight.shape) and shortcut \(shortcut!.shape)")
        return computed(
            "convolution: \(shape) with weights \(weight.shape), stride \(stride)", result,
            from: [weight, bias, shortcut]
        ) { device throws(DeviceError) in
            try device.convolution(
                self, weight: weight, bias: bias, stride: stride, padding: padding, adding: shortcut,
                activation: activation)
        }
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
        return queries.computed(
            "attention: queries \(queries.shape), keys \(keys.shape), \(heads) heads", queries.shape,
            from: [keys, values]
        ) { device throws(DeviceError) in
            try device.attention(queries: queries, keys: keys, values: values, heads: heads, isCausal: isCausal)
        }
    }

    /// Group normalization of `[batch, ..., channels]`, then the activation.
    public func groupNormalization(
        groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation? = nil
    ) -> Tensor {
        precondition(
            channels > 0 && groups > 0 && channels % groups == 0 && scale.shape == [channels]
                && shift.shape == [channels],
            "group normalization: \(shape) in \(groups) groups with \(scale.shape)")
        return computed(
            "group normalization: \(shape) in \(groups) groups", shape, from: [scale, shift]
        ) { device throws(DeviceError) in
            try device.groupNormalization(
                self, groups: groups, scale: scale, shift: shift, epsilon: epsilon, activation: activation)
        }
    }

    /// Layer normalization over the last dimension.
    public func layerNormalization(scale: Tensor, shift: Tensor, epsilon: Float) -> Tensor {
        precondition(
            channels > 0 && scale.shape == [channels] && shift.shape == [channels],
            "layer normalization: \(shape), \(scale.shape)")
        return computed("layer normalization: \(shape)", shape, from: [scale, shift]) { device throws(DeviceError) in
            try device.layerNormalization(self, scale: scale, shift: shift, epsilon: epsilon)
        }
    }

    /// The activation of each number.
    public func applying(_ activation: Activation) -> Tensor {
        computed("\(activation): \(shape)", shape) { device throws(DeviceError) in
            try device.apply(activation, to: self)
        }
    }

    /// The first half of the channels times the exact GELU of the second: `[..., 2d]` gives `[..., d]`.
    public func gatedGelu() -> Tensor {
        precondition(channels > 0 && channels % 2 == 0, "gated GELU: \(shape)")
        return computed("gated GELU: \(shape)", shape.dropLast() + [channels / 2]) { device throws(DeviceError) in
            try device.gatedGelu(self)
        }
    }

    /// The sum of two tensors of one shape.
    public static func + (x: Tensor, y: Tensor) -> Tensor {
        precondition(x.shape == y.shape, "add: \(x.shape) and \(y.shape)")
        return x.computed("add: \(x.shape)", x.shape, from: [y]) { device throws(DeviceError) in try device.add(x, y) }
    }

    /// Adds `[batch, channels]` to each position of `[batch, ..., channels]`.
    public func adding(perImage: Tensor) -> Tensor {
        precondition(perImage.shape == [shape[0], channels], "add per image: \(shape) and \(perImage.shape)")
        return computed("add per image: \(shape)", shape, from: [perImage]) { device throws(DeviceError) in
            try device.add(self, perImage: perImage)
        }
    }

    /// This tensor's channels, then the other's, at each position.
    public func concatenatingChannels(_ other: Tensor) -> Tensor {
        precondition(
            shape.dropLast() == other.shape.dropLast() && channels > 0 && other.channels > 0,
            "concatenate channels: \(shape) and \(other.shape)")
        return computed(
            "concatenate channels: \(shape) and \(other.shape)", shape.dropLast() + [channels + other.channels],
            from: [other]
        ) { device throws(DeviceError) in
            try device.concatenateChannels(self, other)
        }
    }

    /// Some of the channels of each position: `[..., channels]` gives `[..., range.count]`.
    public func channels(_ range: Range<Int>) -> Tensor {
        precondition(
            shape.count > 1 && range.lowerBound >= 0 && range.upperBound <= channels && !range.isEmpty,
            "channels: \(range) of \(shape)")
        if range == 0..<channels { return self }
        return computed("channels: \(range) of \(shape)", shape.dropLast() + [range.count]) {
            device throws(DeviceError) in try device.channels(range, of: self)
        }
    }

    /// An image at another size: output row r shows input row `floor(r * rows in / rows out)`, columns alike.
    public func upsampledNearest(rows: Int, columns: Int) -> Tensor {
        precondition(
            shape.count == 4 && shape[1] > 0 && shape[2] > 0 && rows > 0 && columns > 0,
            "upsample: \(shape) to \(rows) x \(columns)")
        return computed(
            "upsample: \(shape) to \(rows) x \(columns)", [shape[0], rows, columns, channels]
        ) { device throws(DeviceError) in
            try device.upsampleNearest(self, rows: rows, columns: columns)
        }
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
        return table.computed(
            "embedding: table \(table.shape)", [identifiers.count, identifiers[0].count, table.channels]
        ) { device throws(DeviceError) in
            try device.embedding(table, identifiers: identifiers)
        }
    }
}
