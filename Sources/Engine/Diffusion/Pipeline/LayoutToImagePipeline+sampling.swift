// The middle of a generation: noise becomes latents, all trajectories of a batch in one forward pass.

import Tensors

/// Trajectories that go through the U-Net together.
private struct SampledPart {
    let members: Range<Int>
    /// Their texts.
    let context: TextContext
}

extension LayoutToImagePipeline {
    /// Runs the solver on all trajectories together, until all have failed. Where the device runs out of memory, it goes on
    /// with the halves of what did not fit; a trajectory that does not fit alone has failed.
    func sample(
        _ trajectories: inout [Trajectory], shape: [Int], timesteps: [Int], guidance: Float,
        check: () throws -> Void, onStep: (Int, Int) throws -> Void
    ) throws {
        var parts = [part(trajectories.indices, of: trajectories, isGuided: guidance > 1)]
        for (step, timestep) in timesteps.enumerated() where trajectories.contains(where: { $0.failure == nil }) {
            var waiting = parts
            parts = []
            while !waiting.isEmpty {
                let part = waiting.removeFirst()
                do {
                    let predictions = try predict(
                        part, of: trajectories, at: timestep, shape: shape, guidance: guidance, check: check)
                    for (index, prediction) in zip(part.members, predictions) {
                        trajectories[index].advance(prediction, step: step + 1, of: timesteps.count)
                    }
                    parts.append(part)
                } catch let error as DeviceError where error.code == .outOfMemory {
                    device.releaseIdleMemory()
                    if part.members.count == 1 { trajectories[part.members.lowerBound].fail(doesNotFit(shape, error)) }
                    let halves = part.members.halves
                    waiting = halves.map { self.part($0, of: trajectories, isGuided: guidance > 1) } + waiting
                }
            }
            try onStep(step + 1, timesteps.count)
        }
    }

    /// The guided predictions for some trajectories, all at one timestep.
    private func predict(
        _ part: SampledPart, of trajectories: [Trajectory], at timestep: Int, shape: [Int], guidance: Float,
        check: () throws -> Void
    ) throws -> [[Float]] {
        let latents = trajectories[part.members].flatMap(\.latents)
        let count = part.members.count
        let batch = Tensor(latents, shape: [count] + shape, device: device)
        let timesteps = Array(repeating: timestep, count: count)
        let outputs = try unet(batch, timesteps: timesteps, context: part.context, check: check).floats()
        return outputs.chunks(of: outputs.count / count).map { output in
            guard guidance > 1 else { return Array(output) }
            let size = output.count / 2
            // epsilon + guidance (epsilon of the prompt - epsilon)
            return zip(output.prefix(size), output.suffix(size)).map { $0 + guidance * ($1 - $0) }
        }
    }

    private func part(_ members: Range<Int>, of trajectories: [Trajectory], isGuided: Bool) -> SampledPart {
        SampledPart(
            members: members, context: unet.context(text: text(of: trajectories[members], isGuided: isGuided)))
    }

    /// The encoded prompts, `[batch, positions, textWidth]`; with guidance the empty prompt stands before each.
    private func text(of trajectories: ArraySlice<Trajectory>, isGuided: Bool) -> Tensor {
        let prompts = textEncoder(trajectories.map(\.tokens))
        guard isGuided else { return prompts }
        let empty = textEncoder([emptyPrompt])
        return Tensor.concatenatingBatches(
            (0..<trajectories.count).flatMap { [empty, prompts.batch($0..<$0 + 1)] })
    }
}

extension Range<Int> {
    /// Both halves, of two numbers and more.
    fileprivate var halves: [Range<Int>] {
        let middle = lowerBound + count / 2
        return count > 1 ? [lowerBound..<middle, middle..<upperBound] : []
    }
}

extension Array {
    /// Its elements in runs of `size`.
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<$0 + size] }
    }
}
