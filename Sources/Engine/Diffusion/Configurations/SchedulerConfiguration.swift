// How a checkpoint wants to be sampled: its scheduler_config.json.

/// The noise schedule and the sampler of a checkpoint.
///
/// A folder may name another sampler than DPM-Solver; Stable Diffusion v1.5 itself names `PNDMScheduler`. The rule is
/// that of diffusers' `DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)`: keys that both samplers
/// know are taken, keys that only the other one knows (`skip_prk_steps`, `set_alpha_to_one`, `clip_sample`,
/// `interpolation_type`) are not, and an absent key has DPM-Solver's own default, whatever the other's would be.
/// So v1.5 samples at `linspace` timesteps, though PNDM's default is `leading`.
///
/// Files older than the key `final_sigmas_type` were written for a sampler that ended at the schedule's smallest sigma;
/// absent, it means `zero`, as diffusers reads them today. `sigma_min` gives the older samples back.
public struct SchedulerConfiguration: Sendable, Hashable {
    /// How betas run from the first to the last.
    public enum BetaSchedule: String, Sendable, CaseIterable {
        /// Evenly spaced.
        case linear
        /// Their square roots evenly spaced: latent diffusion.
        case scaledLinear = "scaled_linear"
    }

    /// What the network was trained to predict.
    public enum Prediction: String, Sendable, CaseIterable {
        /// The noise.
        case epsilon
        /// alpha * noise - sigma * clean: Salimans and Ho, 2022 (arXiv:2202.00512), appendix D.
        case velocity = "v_prediction"
        /// The clean sample.
        case sample
    }

    /// Where timesteps are placed: Lin and others, 2023 (arXiv:2305.08891), table 2.
    public enum Spacing: String, Sendable, CaseIterable {
        /// Evenly from the last to the first, rounded.
        case linspace
        /// Multiples of an integer, plus ``SchedulerConfiguration/stepsOffset``.
        case leading
        /// Evenly down from the last, which is always taken.
        case trailing
    }

    /// How the second-order step weighs its two predictions.
    public enum SolverType: String, Sendable, CaseIterable {
        /// DPM-Solver++(2M) as published.
        case midpoint
        /// The variant that integrates the first derivative exactly.
        case heun
    }

    /// The noise that is left after the last step.
    public enum FinalSigma: String, Sendable, CaseIterable {
        /// None.
        case zero
        /// That of the first training timestep.
        case minimum = "sigma_min"
    }

    /// `num_train_timesteps`.
    public var trainingSteps = 1000
    /// `beta_schedule`.
    public var betaSchedule = BetaSchedule.linear
    /// `beta_start`.
    public var firstBeta = 0.0001
    /// `beta_end`.
    public var lastBeta = 0.02
    /// `trained_betas`: the betas themselves, instead of a schedule.
    public var trainedBetas: [Double]?
    /// `prediction_type`.
    public var prediction = Prediction.epsilon
    /// `timestep_spacing`.
    public var spacing = Spacing.linspace
    /// `steps_offset`, used by ``Spacing/leading`` only, as it stands in the file (diffusers' pipeline replaces 0 by 1).
    public var stepsOffset = 0
    /// `solver_order`: 1, 2 or 3.
    public var order = 2
    /// `solver_type`.
    public var solverType = SolverType.midpoint
    /// `lower_order_final`: with fewer than 15 steps, the last is of first order and the one before of second at most.
    public var lowersOrderAtEnd = true
    /// `euler_at_final`: the last step is of first order.
    public var endsWithFirstOrder = false
    /// `final_sigmas_type`.
    public var finalSigma = FinalSigma.zero

    /// DPM-Solver's defaults; a Stable Diffusion checkpoint differs in its betas.
    public init() {}

    /// The numbers of steps that ``DPMSolver`` takes.
    public var stepsRange: ClosedRange<Int> { 1...(trainingSteps - 1) }
}
