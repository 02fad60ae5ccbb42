// Group and layer normalization.

import CKernels

extension CPUDevice {
    /// Positions of a piece: sums over a piece are float32, sums of pieces float64.
    private static let piecePositions = 512

    /// Two passes for mean and variance, one to scale; sums of pieces in float64.
    public func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) -> Tensor {
        let (samples, channels) = (x.shape[0], x.channels)
        let positions = x.count / max(samples * channels, 1)
        let source = unsafe read(x)
        let means = unsafe groupStatistic(source, samples, positions, channels, groups) { from, _, sums, rows in
            unsafe kernels_sum_rows(from, sums, rows, channels)
        }
        let variances = unsafe groupStatistic(source, samples, positions, channels, groups) {
            from, sample, sums, rows in
            unsafe means.withUnsafeBufferPointer { means in
                unsafe kernels_sum_squares(from, means.baseAddress! + sample * channels, sums, rows, channels)
            }
        }
        let (scales, shifts) = (scale.floats(), shift.floats())
        var factors = [Float](repeating: 0, count: samples * channels)
        var offsets = factors
        for index in factors.indices {
            let channel = index % channels
            factors[index] = scales[channel] / (variances[index] + epsilon).squareRoot()
            offsets[index] = shifts[channel] - means[index] * factors[index]
        }
        let result = unsafe scaleAndShift(
            source, x.shape, factors, offsets, positions: positions, isSilu: activation == .silu)
        guard let activation, activation != .silu else { return result }
        return apply(activation, to: result)
    }

    /// The mean over each group of what `sum` adds up per channel, as one number per sample and channel.
    private func groupStatistic(
        _ source: UnsafePointer<Float>, _ samples: Int, _ positions: Int, _ channels: Int, _ groups: Int,
        sum: (_ from: UnsafePointer<Float>, _ sample: Int, _ sums: UnsafeMutablePointer<Float>, _ rows: Int) -> Void
    ) -> [Float] {
        let pieces = (positions + Self.piecePositions - 1) / Self.piecePositions
        let partial = unsafe pool.take(samples * pieces * channels)
        defer { unsafe pool.giveBack(partial) }
        loop.run(samples * pieces) { item, _ in
            let (sample, start) = (item / pieces, item % pieces * Self.piecePositions)
            let sums = unsafe partial.base + item * channels
            unsafe sums.update(repeating: 0, count: channels)
            unsafe sum(
                source + (sample * positions + start) * channels, sample, sums,
                min(Self.piecePositions, positions - start))
        }
        let each = channels / groups
        var means = [Float](repeating: 0, count: samples * channels)
        for sample in 0..<samples {
            for group in 0..<groups {
                var total = 0.0
                for piece in 0..<pieces {
                    let sums = unsafe partial.base + (sample * pieces + piece) * channels + group * each
                    for channel in 0..<each { unsafe total += Double(sums[channel]) }
                }
                let mean = Float(total / Double(positions * each))
                for channel in 0..<each { means[sample * channels + group * each + channel] = mean }
            }
        }
        return means
    }

    private func scaleAndShift(
        _ source: UnsafePointer<Float>, _ shape: [Int], _ factors: [Float], _ offsets: [Float], positions: Int,
        isSilu: Bool
    ) -> Tensor {
        let (samples, channels) = (shape[0], shape[shape.count - 1])
        let pieces = (positions + Self.piecePositions - 1) / Self.piecePositions
        return unsafe make(shape) { result in
            unsafe factors.withUnsafeBufferPointer { factors in
                unsafe offsets.withUnsafeBufferPointer { offsets in
                    loop.run(samples * pieces) { item, _ in
                        let (sample, start) = (item / pieces, item % pieces * Self.piecePositions)
                        let first = (sample * positions + start) * channels
                        unsafe kernels_scale_shift(
                            source + first, factors.baseAddress! + sample * channels,
                            offsets.baseAddress! + sample * channels, result + first,
                            min(Self.piecePositions, positions - start), channels, isSilu ? 1 : 0)
                    }
                }
            }
        }
    }

    /// Each position in two passes that stay in cache.
    public func layerNormalization(_ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float) -> Tensor {
        let channels = x.channels
        let (source, scales, shifts) = unsafe (read(x), read(scale), read(shift))
        return unsafe make(x.shape) { result in
            forEachPiece(of: x.count / channels, size: 64) { start, rows in
                unsafe kernels_layer_normalization(
                    source + start * channels, scales, shifts, epsilon, result + start * channels, rows, channels)
            }
        }
    }
}
