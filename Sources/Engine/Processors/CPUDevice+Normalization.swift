// Group and layer normalization.

import CKernels
public import Tensors

extension CPUDevice {
    /// Numbers of a piece: 128 KB, so that its second pass finds it in cache.
    private static let groupPieceNumbers = 32768

    /// Mean and variance in one pass over memory, and one to scale.
    public func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) throws(DeviceError) -> Tensor {
        let (samples, channels) = (x.shape[0], x.channels)
        let pieces = PositionPieces(
            positions: x.count / max(samples * channels, 1), size: max(1, Self.groupPieceNumbers / max(channels, 1)))
        let source = unsafe try read(x)
        let statistics = unsafe try groupStatistics(source, samples, pieces, channels, groups)
        let (scales, shifts) = (try scale.floats(), try shift.floats())
        var factors = [Float](repeating: 0, count: samples * channels)
        var offsets = factors
        for index in factors.indices {
            let (sample, channel) = (index / channels, index % channels)
            let group = statistics[sample * groups + channel / (channels / groups)]
            factors[index] = scales[channel] / (group.variance + epsilon).squareRoot()
            offsets[index] = shifts[channel] - group.mean * factors[index]
        }
        return unsafe try scaleAndShift(source, x.shape, factors, offsets, pieces, activation?.kernel ?? .none)
    }

    private struct Statistic {
        var mean: Float, variance: Float
    }

    /// Sums of pieces, and of squares around a piece's own mean, put together in float64 (Chan, Golub and LeVeque 1983).
    private func groupStatistics(
        _ source: UnsafePointer<Float>, _ samples: Int, _ pieces: PositionPieces, _ channels: Int, _ groups: Int
    ) throws(DeviceError) -> [Statistic] {
        unsafe try withScratch(3 * channels) { scratch in
            let capacity = samples * pieces.count * groups * 2
            return unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: capacity) { parts in
                loop.run(samples * pieces.count) { item, lane in
                    let (sample, range) = (item / pieces.count, pieces[item % pieces.count])
                    let from = unsafe source + (sample * pieces.positions + range.lowerBound) * channels
                    unsafe Self.sumGroups(
                        from, range.count, channels, groups, scratch: scratch(lane),
                        to: parts.baseAddress! + item * groups * 2)
                }
                return (0..<samples * groups).map { index in
                    unsafe Self.statistic(
                        of: index % groups, of: groups, sample: index / groups, pieces, channels, parts)
                }
            }
        }
    }

    /// Each group's sum over some positions, and its sum of squares around its own mean there.
    private static func sumGroups(
        _ from: UnsafePointer<Float>, _ positions: Int, _ channels: Int, _ groups: Int,
        scratch sums: UnsafeMutablePointer<Float>, to parts: UnsafeMutablePointer<Double>
    ) {
        let each = channels / groups
        let (means, squares) = unsafe (sums + channels, sums + 2 * channels)
        unsafe sums.update(repeating: 0, count: channels)
        unsafe squares.update(repeating: 0, count: channels)
        unsafe kernels_sum_rows(from, sums, positions, channels)
        for group in 0..<groups {
            let total = unsafe total(sums + group * each, each)
            let mean = Float(total / Double(positions * each))
            unsafe (means + group * each).update(repeating: mean, count: each)
            unsafe parts[group * 2] = total
        }
        unsafe kernels_sum_squares(from, means, squares, positions, channels)
        for group in 0..<groups {
            unsafe parts[group * 2 + 1] = total(squares + group * each, each)
        }
    }

    /// What the sums of a sample's pieces say of a group.
    private static func statistic(
        of group: Int, of groups: Int, sample: Int, _ pieces: PositionPieces, _ channels: Int,
        _ parts: UnsafeMutableBufferPointer<Double>
    ) -> Statistic {
        let each = channels / groups
        let at = { (piece: Int) in ((sample * pieces.count + piece) * groups + group) * 2 }
        let count = Double(pieces.positions * each)
        var (mean, squares) = (0.0, 0.0)
        for piece in 0..<pieces.count { unsafe mean += parts[at(piece)] / count }
        for piece in 0..<pieces.count {
            let some = Double(pieces[piece].count * each)
            // Squares are around the rounded mean.
            let own = unsafe Double(Float(parts[at(piece)] / some))
            let exact = unsafe parts[at(piece)] / some
            unsafe squares += parts[at(piece) + 1] - some * (own - exact) * (own - exact)
            squares += some * (exact - mean) * (exact - mean)
        }
        // Rounding can take a little too much away; not-a-number stays.
        return Statistic(mean: Float(mean), variance: squares < 0 ? 0 : Float(squares / count))
    }

    private static func total(_ numbers: UnsafePointer<Float>, _ count: Int) -> Double {
        var total = 0.0
        for index in 0..<count { unsafe total += Double(numbers[index]) }
        return total
    }

    private func scaleAndShift(
        _ source: UnsafePointer<Float>, _ shape: [Int], _ factors: [Float], _ offsets: [Float],
        _ pieces: PositionPieces, _ activation: kernels_activation
    ) throws(DeviceError) -> Tensor {
        let (samples, channels) = (shape[0], shape[shape.count - 1])
        return unsafe try make(shape) { result in
            unsafe factors.withUnsafeBufferPointer { factors in
                unsafe offsets.withUnsafeBufferPointer { offsets in
                    loop.run(samples * pieces.count) { item, _ in
                        let (sample, range) = (item / pieces.count, pieces[item % pieces.count])
                        let first = (sample * pieces.positions + range.lowerBound) * channels
                        unsafe kernels_scale_shift(
                            source + first, factors.baseAddress! + sample * channels,
                            offsets.baseAddress! + sample * channels, result + first,
                            range.count, channels, activation)
                    }
                }
            }
        }
    }

    /// Each position in two passes that stay in cache.
    public func layerNormalization(_ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float)
        throws(DeviceError) -> Tensor
    {
        let channels = x.channels
        let (scales, shifts) = unsafe (try read(scale), try read(shift))
        if let panels = unsafe panels(of: x) {
            let shape = unsafe panels.shape
            return unsafe try makePanels(x.shape, shape) { result in
                loop.run(shape.panels) { panel, _ in
                    let at = panel * shape.panelCount
                    unsafe kernels_layer_normalization_panel(
                        panels.base + at, scales, shifts, epsilon, result + at, channels)
                }
            }
        }
        let source = unsafe try read(x)
        return unsafe try make(x.shape) { result in
            forEachPiece(of: x.count / channels, size: 64) { start, rows in
                unsafe kernels_layer_normalization(
                    source + start * channels, scales, shifts, epsilon, result + start * channels, rows, channels)
            }
        }
    }
}

/// How the positions of a sample are cut, by their number alone.
private struct PositionPieces {
    let positions: Int, size: Int

    var count: Int { (positions + size - 1) / size }

    subscript(_ index: Int) -> Range<Int> { index * size..<min((index + 1) * size, positions) }
}
