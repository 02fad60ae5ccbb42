// DPM-Solver++: from noise to clean latents in a few dozen steps. Knows numbers, and no network.
//
// Paper: Lu and others, 2022, "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
// arXiv:2211.01095. Limits: the multistep solver of the data prediction model, without added noise; no thresholding,
// and timesteps of the trained schedule only.

import Foundation

/// The multistep solver, of order 1 to 3.
///
/// ```swift
/// var solver = DPMSolver(configuration, steps: 50)
/// for timestep in solver.timesteps {
///     latents = solver.step(modelOutput: network(latents, timestep), latents: latents)
/// }
/// ```
/// All latents of a batch may be solved at once, as one array: every number is solved for itself.
public struct DPMSolver: Sendable {
    /// The timesteps at which the network is called, falling; one for each step.
    public let timesteps: [Int]
    /// The standard deviation of the noise to begin with; 1 in a variance-preserving schedule.
    public let initialNoiseScale: Float = 1

    private let configuration: SchedulerConfiguration
    /// sigma/alpha at each of the timesteps, then after the last step.
    private let sigmas: [Double]
    /// Predictions of the clean latents, the newest first, at most as many as the order.
    private var predictions: [[Double]] = []
    private var index = 0

    /// Places the timesteps; `steps` lies in the configuration's ``SchedulerConfiguration/stepsRange``.
    public init(_ configuration: SchedulerConfiguration, steps: Int) {
        precondition(configuration.stepsRange.contains(steps), "steps lie in the configuration's stepsRange")
        precondition((1...3).contains(configuration.order), "the solver's order is 1, 2 or 3")
        self.configuration = configuration
        let schedule = NoiseSchedule(configuration)
        timesteps = Self.timesteps(configuration, steps: steps)
        let end = configuration.finalSigma == .zero ? 0 : schedule.sigma(at: 0)
        sigmas = timesteps.map(schedule.sigma(at:)) + [end]
    }

    /// Lin and others, 2023 (arXiv:2305.08891), table 2, as diffusers places them for this solver: `linspace` and
    /// `leading` divide the schedule into one part more than there are steps, and leave the lowest out.
    private static func timesteps(_ configuration: SchedulerConfiguration, steps: Int) -> [Int] {
        let count = configuration.trainingSteps
        switch configuration.spacing {
        case .linspace:
            let distance = Double(count - 1) / Double(steps)
            return (1...steps).reversed().map { step in
                step == steps ? count - 1 : Int((Double(step) * distance).rounded(.toNearestOrEven))
            }
        case .leading:
            let distance = count / (steps + 1)
            return (1...steps).reversed().map { $0 * distance + configuration.stepsOffset }
        case .trailing:
            let distance = Double(count) / Double(steps)
            return (0..<steps).map { Int((Double(count) - Double($0) * distance).rounded(.toNearestOrEven)) - 1 }
        }
    }

    /// One step: the latents at the next timestep, or the clean ones after the last.
    ///
    /// - Parameters:
    ///   - modelOutput: the network's prediction, guided, for `latents` at the current timestep.
    ///   - latents: what the step before gave; noise at first.
    public mutating func step(modelOutput: [Float], latents: [Float]) -> [Float] {
        precondition(index < timesteps.count, "a solver takes as many steps as it was made for")
        precondition(modelOutput.count == latents.count, "the model's output has as many numbers as its latents")
        predictions.insert(cleanLatents(modelOutput, latents), at: 0)
        if predictions.count > configuration.order { predictions.removeLast() }
        let weights = self.weights()
        index += 1
        return combine(weights, latents)
    }

    /// The network's prediction, turned into one of the clean latents x_0.
    private func cleanLatents(_ output: [Float], _ latents: [Float]) -> [Double] {
        let (alpha, sigma) = Self.alphaAndSigma(sigmas[index])
        // noised = alpha x_0 + sigma noise
        return switch configuration.prediction {
        // x_0 = (x - sigma noise) / alpha
        case .epsilon: Self.sum(1 / alpha, latents, -sigma / alpha, output)
        // v = alpha noise - sigma x_0, so x_0 = alpha x - sigma v
        case .velocity: Self.sum(alpha, latents, -sigma, output)
        case .sample: output.map { Double($0) }
        }
    }

    /// How the next latents are made from these and the last predictions.
    private struct Weights {
        var latents: Double
        var predictions: [Double]
    }

    /// The step from s to t as a linear combination: sigma_t / sigma_s of the latents, and of each prediction its share.
    ///
    /// lambda = log(alpha / sigma), the half logarithm of the signal-to-noise ratio; h = lambda_t - lambda_s. m_0, m_1
    /// and m_2 are the predictions, the newest first.
    private func weights() -> Weights {
        let (alpha, sigma) = Self.alphaAndSigma(sigmas[index + 1])
        let h = log(sigmas[index] / sigmas[index + 1])
        // e^-h - 1; it is -1 where nothing of the noise is left
        let decay = expm1(-h)
        // First order: x_t = sigma_t/sigma_s x_s - alpha_t (e^-h - 1) D_0, D_0 = m_0; DDIM (section 4.1)
        let carried = sigma / Self.alphaAndSigma(sigmas[index]).sigma
        let constant = -alpha * decay
        let order = orderOfStep
        guard order > 1, h > 0 else { return Weights(latents: carried, predictions: [constant]) }
        // r_0 = (lambda_s - lambda_s1) / h
        let r0 = log(sigmas[index - 1] / sigmas[index]) / h
        // The linear term integrated: x_t = ... + alpha_t ((e^-h - 1) / h + 1) D_1
        let linear = alpha * (decay / h + 1)
        if order == 2 {
            // Algorithm 2 (2M), the midpoint: x_t = ... - alpha_t (e^-h - 1) D_1 / 2; D_1 = (m_0 - m_1) / r_0
            let slope = (configuration.solverType == .midpoint ? constant / 2 : linear) / r0
            return Weights(latents: carried, predictions: [constant + slope, -slope])
        }
        // r_1 = (lambda_s1 - lambda_s2) / h, and the quadratic term: x_t = ... - alpha_t ((e^-h - 1 + h) / h^2 - 1/2) D_2
        let r1 = log(sigmas[index - 2] / sigmas[index - 1]) / h
        let quadratic = -alpha * ((decay + h) / (h * h) - 0.5)
        // D_10 = (m_0 - m_1) / r_0, D_11 = (m_1 - m_2) / r_1, D_2 = (D_10 - D_11) / (r_0 + r_1), D_1 = D_10 + r_0 D_2
        let curvature = (linear * r0 + quadratic) / (r0 + r1)
        let (newer, older) = ((linear + curvature) / r0, -curvature / r1)
        return Weights(latents: carried, predictions: [constant + newer, older - newer, -older])
    }

    /// The order that this step can have: no history at first, and nothing to extrapolate towards no noise at last.
    private var orderOfStep: Int {
        let left = timesteps.count - index
        let lowers = configuration.lowersOrderAtEnd && timesteps.count < 15
        if left == 1, configuration.endsWithFirstOrder || lowers || configuration.finalSigma == .zero { return 1 }
        let limit = left == 2 && lowers ? 2 : configuration.order
        return min(limit, predictions.count)
    }

    private func combine(_ weights: Weights, _ latents: [Float]) -> [Float] {
        var total = latents.map { weights.latents * Double($0) }
        for (weight, prediction) in zip(weights.predictions, predictions) {
            for position in total.indices { total[position] += weight * prediction[position] }
        }
        return total.map { Float($0) }
    }

    private static func sum(_ a: Double, _ first: [Float], _ b: Double, _ second: [Float]) -> [Double] {
        first.indices.map { a * Double(first[$0]) + b * Double(second[$0]) }
    }

    /// alpha and sigma with alpha^2 + sigma^2 = 1 from their ratio.
    private static func alphaAndSigma(_ ratio: Double) -> (alpha: Double, sigma: Double) {
        let alpha = 1 / (ratio * ratio + 1).squareRoot()
        return (alpha, ratio * alpha)
    }
}
