// Reading scheduler_config.json.

import Foundation

extension SchedulerConfiguration {
    /// Samplers for the same variance-preserving schedules; diffusers counts them as compatible. EDMEulerScheduler,
    /// which it counts too, is for models with another preconditioning.
    static let readableClasses = [
        "DDIMScheduler", "DDPMScheduler", "DEISMultistepScheduler", "DPMSolverMultistepScheduler",
        "DPMSolverSDEScheduler", "DPMSolverSinglestepScheduler", "EulerAncestralDiscreteScheduler",
        "EulerDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "KDPM2DiscreteScheduler",
        "LMSDiscreteScheduler", "PNDMScheduler", "UniPCMultistepScheduler",
    ]

    /// Reads a `scheduler_config.json`.
    ///
    /// - Throws: ``CheckpointError`` when the file cannot be read, or a value is wrong or not computed here.
    public init(path: String) throws(CheckpointError) {
        let bytes = try SmallFile.read(
            path, limit: ConfigurationFile.sizeLimit, expected: "the scheduler of a diffusers checkpoint")
        try self.init(json: Data(bytes), path: path)
    }

    /// Reads the contents of a `scheduler_config.json`; `path` is for messages.
    init(json data: Data, path: String) throws(CheckpointError) {
        let file: SchedulerFile
        do {
            file = try PythonJSON.decode(SchedulerFile.self, from: data)
        } catch {
            throw CheckpointError(
                .content, "cannot read \(path) as a scheduler's configuration: \(Self.reason(error)); restore the file")
        }
        self.init()
        try refuseOthers(file, path: path)
        try takeSchedule(file, path: path)
        try takeSolver(file, path: path)
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is not of type \(type)"
        case .dataCorrupted(let context): context.debugDescription
        default: "\(error)"
        }
    }

    private func refuseOthers(_ file: SchedulerFile, path: String) throws(CheckpointError) {
        if let name = file._class_name, !Self.readableClasses.contains(name) {
            throw Self.untrained(
                "_class_name", name, "a sampler of the same noise, such as DPMSolverMultistepScheduler", path)
        }
        for (key, value) in [
            ("rescale_betas_zero_snr", file.rescale_betas_zero_snr), ("use_flow_sigmas", file.use_flow_sigmas),
            ("use_dynamic_shifting", file.use_dynamic_shifting),
        ] where value == true {
            throw Self.untrained(key, "true", "false", path)
        }
        if let variance = file.variance_type, variance.hasPrefix("learned") {
            throw Self.untrained("variance_type", variance, "null", path)
        }
        for (key, value) in [
            ("use_karras_sigmas", file.use_karras_sigmas), ("use_exponential_sigmas", file.use_exponential_sigmas),
            ("use_beta_sigmas", file.use_beta_sigmas), ("use_lu_lambdas", file.use_lu_lambdas),
            ("thresholding", file.thresholding),
        ] where value == true {
            throw Self.unsampled(key, "true", "false", path)
        }
        if let algorithm = file.algorithm_type, algorithm != "dpmsolver++" {
            throw Self.unsampled("algorithm_type", algorithm, "dpmsolver++", path)
        }
        if let clip = file.lambda_min_clipped, clip != -.infinity {
            throw Self.unsampled("lambda_min_clipped", "\(clip)", "-Infinity", path)
        }
    }

    private mutating func takeSchedule(_ file: SchedulerFile, path: String) throws(CheckpointError) {
        trainedBetas = file.trained_betas
        trainingSteps = file.num_train_timesteps ?? trainingSteps
        guard (2...1_000_000).contains(trainingSteps) else {
            throw Self.wrong("num_train_timesteps", "\(trainingSteps)", "2 to 1000000", path)
        }
        if let count = trainedBetas?.count, count != trainingSteps {
            throw Self.wrong("num_train_timesteps", "\(trainingSteps)", "\(count) as there are trained_betas", path)
        }
        firstBeta = file.beta_start ?? firstBeta
        lastBeta = file.beta_end ?? lastBeta
        for beta in trainedBetas ?? [firstBeta, lastBeta] where !(beta > 0 && beta < 1) {
            throw Self.wrong("beta", "\(beta)", "more than 0 and less than 1", path)
        }
        betaSchedule = try Self.choice("beta_schedule", file.beta_schedule, betaSchedule, path, Self.untrained)
        prediction = try Self.choice("prediction_type", file.prediction_type, prediction, path, Self.untrained)
    }

    private mutating func takeSolver(_ file: SchedulerFile, path: String) throws(CheckpointError) {
        spacing = try Self.choice("timestep_spacing", file.timestep_spacing, spacing, path)
        stepsOffset = file.steps_offset ?? stepsOffset
        guard (0..<trainingSteps).contains(stepsOffset) else {
            throw Self.wrong("steps_offset", "\(stepsOffset)", "0 to \(trainingSteps - 1)", path)
        }
        order = file.solver_order ?? order
        guard (1...3).contains(order) else { throw Self.wrong("solver_order", "\(order)", "1, 2 or 3", path) }
        // UniPC's and DEIS's kinds of solver; diffusers reads them as midpoint.
        let type = file.solver_type.map { ["bh1", "bh2", "logrho"].contains($0) ? "midpoint" : $0 }
        solverType = try Self.choice("solver_type", type, solverType, path)
        lowersOrderAtEnd = file.lower_order_final ?? lowersOrderAtEnd
        endsWithFirstOrder = file.euler_at_final ?? endsWithFirstOrder
        finalSigma = try Self.choice("final_sigmas_type", file.final_sigmas_type, finalSigma, path)
    }

    private static func choice<Value: RawRepresentable<String> & CaseIterable>(
        _ key: String, _ text: String?, _ standard: Value, _ path: String,
        _ refusal: (_ key: String, _ found: String, _ known: String, _ path: String) -> CheckpointError = unsampled
    ) throws(CheckpointError) -> Value {
        guard let text else { return standard }
        guard let value = Value(rawValue: text) else {
            throw refusal(key, text, Value.allCases.map(\.rawValue).joined(separator: ", "), path)
        }
        return value
    }

    /// What the weights were trained with: with any other value in its place they give something else.
    private static func untrained(_ key: String, _ found: String, _ known: String, _ path: String) -> CheckpointError {
        CheckpointError(
            .unsupported,
            "cannot sample as \(path) says: \(key) is \(found), supported is \(known); the weights were trained with it, so "
                + "leave it as it is: use another checkpoint, or a program of your own (docs/plugins.md)")
    }

    /// What only decides how weights are sampled: another value gives other pictures of the same model.
    private static func unsampled(_ key: String, _ found: String, _ known: String, _ path: String) -> CheckpointError {
        CheckpointError(
            .unsupported,
            "cannot sample as \(path) says: \(key) is \(found), supported is \(known); no weight was trained with it: set it "
                + "so in a copy of the checkpoint, or use a program of your own (docs/plugins.md)")
    }

    private static func wrong(_ key: String, _ found: String, _ expected: String, _ path: String) -> CheckpointError {
        CheckpointError(.content, "cannot read \(path): \(key) is \(found), expected \(expected); restore the file")
    }
}

/// The keys of the file that matter, under its own names; null and absent are alike.
private struct SchedulerFile: Decodable {
    let _class_name: String?
    let num_train_timesteps: Int?
    let beta_schedule: String?
    let beta_start: Double?
    let beta_end: Double?
    let trained_betas: [Double]?
    let prediction_type: String?
    let timestep_spacing: String?
    let steps_offset: Int?
    let solver_order: Int?
    let solver_type: String?
    let algorithm_type: String?
    let lower_order_final: Bool?
    let euler_at_final: Bool?
    let final_sigmas_type: String?
    let lambda_min_clipped: Double?
    let variance_type: String?
    let thresholding: Bool?
    let rescale_betas_zero_snr: Bool?
    let use_karras_sigmas: Bool?
    let use_exponential_sigmas: Bool?
    let use_beta_sigmas: Bool?
    let use_lu_lambdas: Bool?
    let use_flow_sigmas: Bool?
    let use_dynamic_shifting: Bool?
}
