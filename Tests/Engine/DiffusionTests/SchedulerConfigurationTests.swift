// Which samplers' configurations are read, and what is said of the others.

import Foundation
import Testing

@testable import Diffusion

@Suite struct SchedulerConfigurationTests {
    func read(_ text: String) throws -> SchedulerConfiguration {
        try SchedulerConfiguration(json: Array(text.utf8), path: "scheduler_config.json")
    }

    @Test func `A whole file with -Infinity is read`() throws {
        let path = Golden.folder.appending(path: "sd1/scheduler/scheduler_config.json").path
        let configuration = try SchedulerConfiguration(path: path)
        #expect(configuration.betaSchedule == .scaledLinear)
        #expect(configuration.firstBeta == 0.00085 && configuration.lastBeta == 0.012)
        #expect(configuration.prediction == .epsilon && configuration.order == 2 && configuration.spacing == .linspace)
        #expect(configuration.finalSigma == .zero && configuration.lowersOrderAtEnd)
    }

    @Test func `Another sampler's shared keys are taken, with DPM-Solver's defaults for absent ones`() throws {
        let path = Golden.folder.appending(path: "sd2/scheduler/scheduler_config.json").path
        let configuration = try SchedulerConfiguration(path: path)
        #expect(configuration.prediction == .velocity)
        #expect(configuration.spacing == .linspace && configuration.stepsOffset == 1)
        #expect(try read(#"{"_class_name": "PNDMScheduler"}"#) == SchedulerConfiguration())
    }

    @Test(arguments: [
        (#"{"use_karras_sigmas": true}"#, "use_karras_sigmas is true, supported is false"),
        (#"{"use_lu_lambdas": true}"#, "use_lu_lambdas is true"),
        (#"{"thresholding": true}"#, "thresholding is true"),
        (#"{"rescale_betas_zero_snr": true}"#, "rescale_betas_zero_snr is true"),
        (#"{"algorithm_type": "sde-dpmsolver++"}"#, "algorithm_type is sde-dpmsolver++, supported is dpmsolver++"),
        (#"{"beta_schedule": "squaredcos_cap_v2"}"#, "beta_schedule is squaredcos_cap_v2, supported is linear, scaled"),
        (#"{"prediction_type": "flow_prediction"}"#, "prediction_type is flow_prediction"),
        (#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#, "_class_name is FlowMatchEulerDiscreteScheduler"),
        (#"{"lambda_min_clipped": -5.1}"#, "lambda_min_clipped is -5.1, supported is -Infinity"),
        (#"{"variance_type": "learned_range"}"#, "variance_type is learned_range"),
        (#"{"solver_order": 4}"#, "solver_order is 4, expected 1, 2 or 3"),
        (#"{"beta_start": NaN}"#, "beta is nan, expected more than 0"),
        (#"{"trained_betas": [0.1]}"#, "num_train_timesteps is 1000, expected 1 as there are trained_betas"),
        (#"{"num_train_timesteps": 1}"#, "num_train_timesteps is 1, expected 2 to 1000000"),
        (#"{"num_train_timesteps": "many"}"#, "num_train_timesteps is not of type Int"),
        (#"{"steps_offset": -1}"#, "steps_offset is -1"),
        (#"{"#, "cannot read scheduler_config.json as a scheduler's configuration"),
    ])
    func `What is not computed is refused by name`(text: String, message: String) throws {
        let error = #expect(throws: CheckpointError.self) { try read(text) }
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(error?.description.contains("scheduler_config.json") == true)
    }

    /// With other betas, another prediction or another kind of noise, the weights give noise.
    @Test(arguments: [
        #"{"rescale_betas_zero_snr": true}"#, #"{"use_flow_sigmas": true}"#, #"{"use_dynamic_shifting": true}"#,
        #"{"variance_type": "learned_range"}"#, #"{"beta_schedule": "squaredcos_cap_v2"}"#,
        #"{"prediction_type": "flow_prediction"}"#, #"{"_class_name": "EDMEulerScheduler"}"#,
        #"{"_class_name": "LCMScheduler"}"#,
    ])
    func `What the weights were trained with is not to be edited away`(text: String) throws {
        let error = try #require(throws: CheckpointError.self) { try read(text) }
        #expect(error.description.contains("the weights were trained with it, so leave it as it is"))
        #expect(error.description.contains("docs/plugins.md") && !error.description.contains("edit"))
        #expect(error.description.unicodeScalars.count < 300)
    }

    @Test(arguments: [
        #"{"use_karras_sigmas": true}"#, #"{"thresholding": true}"#, #"{"algorithm_type": "sde-dpmsolver++"}"#,
        #"{"lambda_min_clipped": -5.1}"#, #"{"timestep_spacing": "log"}"#, #"{"solver_type": "bh3"}"#,
    ])
    func `What only samples may be set otherwise in a copy`(text: String) throws {
        let error = try #require(throws: CheckpointError.self) { try read(text) }
        #expect(error.description.contains("no weight was trained with it: set it so in a copy of the checkpoint"))
    }

    @Test func `A missing file is named`() {
        let error = #expect(throws: CheckpointError.self) {
            try SchedulerConfiguration(path: "/nowhere/scheduler.json")
        }
        #expect(error?.code == .file)
        #expect(error?.description.contains("/nowhere/scheduler.json") == true)
    }
}
