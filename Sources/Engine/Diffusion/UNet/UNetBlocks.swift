// The U-Net's three kinds of block. All images are [batch, rows, columns, channels]; `check` is asked between layers.

import Networks
import Tensors

/// Residual blocks at one resolution, each followed by a transformer where the block attends, then half the size.
struct DownBlock: Sendable {
    let residuals: [ResidualBlock]
    /// As many as residual blocks, or none.
    let transformers: [SpatialTransformer]
    /// All blocks but the last have one.
    let downsampler: Downsampler?

    init(_ weights: WeightScope, _ configuration: UNetConfiguration, level: Int) {
        let channels = configuration.channels
        residuals = (0..<configuration.layers[level]).map { index in
            ResidualBlock(
                weights / "resnets" / index, in: index == 0 ? channels[max(level - 1, 0)] : channels[level],
                out: channels[level], timeWidth: configuration.timeWidth, groups: configuration.groups,
                epsilon: configuration.epsilon)
        }
        transformers =
            configuration.attendsGoingDown[level]
            ? residuals.indices.map { SpatialTransformer(weights / "attentions" / $0, configuration, level: level) }
            : []
        downsampler =
            level == channels.count - 1
            ? nil : Downsampler(weights / "downsamplers" / 0, channels: channels[level], padding: Padding(1))
    }

    /// What goes on to the next resolution, and what the way up takes back: the block's input, then what each residual block and
    /// its transformer gave.
    func callAsFunction(
        _ x: Tensor, time: Tensor, context: TextContext, check: () throws -> Void
    ) rethrows -> (result: Tensor, skips: [Tensor]) {
        var skips = [x]
        for (index, residual) in residuals.enumerated() {
            var hidden = try residual(skips[index], time: time, check: check)
            if !transformers.isEmpty { hidden = try transformers[index](hidden, context: context, check: check) }
            skips.append(hidden)
        }
        guard let downsampler else { return (skips[residuals.count], skips) }
        try check()
        return (downsampler(skips[residuals.count]), skips)
    }
}

/// A residual block, a transformer and a residual block at the coarsest resolution.
struct MiddleBlock: Sendable {
    let residual1: ResidualBlock
    let transformer: SpatialTransformer
    let residual2: ResidualBlock

    init(_ weights: WeightScope, _ configuration: UNetConfiguration) {
        let level = configuration.channels.count - 1
        let residuals = (0..<2).map { index in
            ResidualBlock(
                weights / "resnets" / index, in: configuration.channels[level], out: configuration.channels[level],
                timeWidth: configuration.timeWidth, groups: configuration.groups, epsilon: configuration.epsilon)
        }
        (residual1, residual2) = (residuals[0], residuals[1])
        transformer = SpatialTransformer(weights / "attentions" / 0, configuration, level: level)
    }

    func callAsFunction(
        _ x: Tensor, time: Tensor, context: TextContext, check: () throws -> Void
    ) rethrows -> Tensor {
        let first = try residual1(x, time: time, check: check)
        return try residual2(transformer(first, context: context, check: check), time: time, check: check)
    }
}

/// Residual blocks that each take back one image of the way down, transformers likewise, then double the size.
struct UpBlock: Sendable {
    let residuals: [ResidualBlock]
    /// As many as residual blocks, or none.
    let transformers: [SpatialTransformer]
    /// All blocks but the last have one.
    let upsampler: Upsampler?

    /// - Parameter index: 0 for the coarsest resolution.
    init(_ weights: WeightScope, _ configuration: UNetConfiguration, index: Int) {
        let channels = configuration.channels
        let level = channels.count - 1 - index
        let incoming = channels[min(level + 1, channels.count - 1)]
        let count = configuration.layers[level] + 1
        residuals = (0..<count).map { index in
            // The last image taken back was made before the way down changed its number of channels.
            let skip = index == count - 1 ? channels[max(level - 1, 0)] : channels[level]
            return ResidualBlock(
                weights / "resnets" / index, in: (index == 0 ? incoming : channels[level]) + skip, out: channels[level],
                timeWidth: configuration.timeWidth, groups: configuration.groups, epsilon: configuration.epsilon)
        }
        transformers =
            configuration.attendsGoingUp[index]
            ? residuals.indices.map { SpatialTransformer(weights / "attentions" / $0, configuration, level: level) }
            : []
        upsampler = level == 0 ? nil : Upsampler(weights / "upsamplers" / 0, channels: channels[level])
    }

    /// Takes `skips` back, the last first, and grows to the size of the next finer resolution: odd sides do not simply double.
    func callAsFunction(
        _ x: Tensor, skips: [Tensor], time: Tensor, context: TextContext, finer: (rows: Int, columns: Int)?,
        check: () throws -> Void
    ) rethrows -> Tensor {
        var hidden = x
        for (index, residual) in residuals.enumerated() {
            // The first of the way down may come from before the texts.
            let skip = skips[skips.count - 1 - index].repeatingEach(to: hidden.shape[0])
            hidden = try residual(hidden.concatenatingChannels(skip), time: time, check: check)
            if !transformers.isEmpty { hidden = try transformers[index](hidden, context: context, check: check) }
        }
        guard let upsampler, let finer else { return hidden }
        try check()
        return upsampler(hidden, rows: finer.rows, columns: finer.columns)
    }
}
