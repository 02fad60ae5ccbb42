// The variance-preserving noise schedule: how much of the clean latents is left at each training timestep.

/// Betas and what follows from them: noised = sqrt(alphaBar) * clean + sqrt(1 - alphaBar) * noise (Ho and others, 2020,
/// arXiv:2006.11239, eq. 4).
public struct NoiseSchedule: Sendable, Hashable {
    /// The product of all 1 - beta up to each training timestep.
    public let cumulativeAlphas: [Float]

    /// Computes a schedule.
    ///
    /// Betas are rounded to single precision, as when the checkpoint was trained: a thousand factors of 1 - beta
    /// differ from the exact ones by more than the rest of the solver's arithmetic.
    public init(_ configuration: SchedulerConfiguration) {
        var product = 1.0
        cumulativeAlphas = Self.betas(configuration).map { beta in
            product *= Double(1 - beta)
            return Float(product)
        }
    }

    /// The betas in single precision.
    private static func betas(_ configuration: SchedulerConfiguration) -> [Float] {
        if let trained = configuration.trainedBetas { return trained.map { Float($0) } }
        let (first, last) = (configuration.firstBeta, configuration.lastBeta)
        let count = configuration.trainingSteps
        return switch configuration.betaSchedule {
        case .linear: evenly(from: Float(first), to: Float(last), count: count)
        case .scaledLinear:
            evenly(from: Float(first.squareRoot()), to: Float(last.squareRoot()), count: count).map { $0 * $0 }
        }
    }

    /// Numbers at even distances, counted from the nearer end so that both ends are exact; each is rounded once, as a
    /// fused operation does. These are the bits of PyTorch's `linspace`.
    private static func evenly(from first: Float, to last: Float, count: Int) -> [Float] {
        let step = (last - first) / Float(count - 1)
        return (0..<count).map { index in
            index < count / 2
                ? first.addingProduct(step, Float(index)) : last.addingProduct(-step, Float(count - 1 - index))
        }
    }

    /// sqrt((1 - alphaBar) / alphaBar): noise relative to the clean latents (Karras and others, 2022, arXiv:2206.00364);
    /// timesteps past the last have the last one's.
    public func sigma(at timestep: Int) -> Double {
        let alpha = cumulativeAlphas[min(timestep, cumulativeAlphas.count - 1)]
        return Double(((1 - alpha) / alpha).squareRoot())
    }
}
