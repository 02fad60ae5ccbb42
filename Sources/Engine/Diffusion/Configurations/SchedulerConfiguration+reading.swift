// Reading scheduler_config.json.

import JSON

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
        try self.init(json: bytes, path: path)
    }

    /// Reads the contents of a `scheduler_config.json`; `path` is for messages.
    init(json bytes: [UInt8], path: String) throws(CheckpointError) {
        let file = try SchedulerFile(bytes, path: path)
        self.init()
        try refuseOthers(file, path: path)
        try takeSchedule(file, path: path)
        try takeSolver(file, path: path)
    }

    private func refuseOthers(_ file: SchedulerFile, path: String) throws(CheckpointError) {
        if let name = try file.text("_class_name"), !Self.readableClasses.contains(name) {
            throw Self.untrained(
                "_class_name", name, "a sampler of the same noise, such as DPMSolverMultistepScheduler", path)
        }
        for key in ["rescale_betas_zero_snr", "use_flow_sigmas", "use_dynamic_shifting"]
        where try file.flag(key) == true {
            throw Self.untrained(key, "true", "false", path)
        }
        if let variance = try file.text("variance_type"), variance.hasPrefix("learned") {
            throw Self.untrained("variance_type", variance, "null", path)
        }
        for key in [
            "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "thresholding",
        ] where try file.flag(key) == true {
            throw Self.unsampled(key, "true", "false", path)
        }
        if let algorithm = try file.text("algorithm_type"), algorithm != "dpmsolver++" {
            throw Self.unsampled("algorithm_type", algorithm, "dpmsolver++", path)
        }
        if let clip = try file.number("lambda_min_clipped"), clip != -.infinity {
            throw Self.unsampled("lambda_min_clipped", "\(clip)", "-Infinity", path)
        }
    }

    private mutating func takeSchedule(_ file: SchedulerFile, path: String) throws(CheckpointError) {
        trainedBetas = try file.numbers("trained_betas")
        trainingSteps = try file.integer("num_train_timesteps") ?? trainingSteps
        guard (2...1_000_000).contains(trainingSteps) else {
            throw Self.wrong("num_train_timesteps", "\(trainingSteps)", "2 to 1000000", path)
        }
        if let count = trainedBetas?.count, count != trainingSteps {
            throw Self.wrong("num_train_timesteps", "\(trainingSteps)", "\(count) as there are trained_betas", path)
        }
        firstBeta = try file.number("beta_start") ?? firstBeta
        lastBeta = try file.number("beta_end") ?? lastBeta
        for beta in trainedBetas ?? [firstBeta, lastBeta] where !(beta > 0 && beta < 1) {
            throw Self.wrong("beta", "\(beta)", "more than 0 and less than 1", path)
        }
        betaSchedule = try Self.choice("beta_schedule", file.text("beta_schedule"), betaSchedule, path, Self.untrained)
        prediction = try Self.choice("prediction_type", file.text("prediction_type"), prediction, path, Self.untrained)
    }

    private mutating func takeSolver(_ file: SchedulerFile, path: String) throws(CheckpointError) {
        spacing = try Self.choice("timestep_spacing", file.text("timestep_spacing"), spacing, path)
        stepsOffset = try file.integer("steps_offset") ?? stepsOffset
        guard (0..<trainingSteps).contains(stepsOffset) else {
            throw Self.wrong("steps_offset", "\(stepsOffset)", "0 to \(trainingSteps - 1)", path)
        }
        order = try file.integer("solver_order") ?? order
        guard (1...3).contains(order) else { throw Self.wrong("solver_order", "\(order)", "1, 2 or 3", path) }
        // UniPC's and DEIS's kinds of solver; diffusers reads them as midpoint.
        let type = try file.text("solver_type").map { ["bh1", "bh2", "logrho"].contains($0) ? "midpoint" : $0 }
        solverType = try Self.choice("solver_type", type, solverType, path)
        lowersOrderAtEnd = try file.flag("lower_order_final") ?? lowersOrderAtEnd
        endsWithFirstOrder = try file.flag("euler_at_final") ?? endsWithFirstOrder
        finalSigma = try Self.choice("final_sigmas_type", file.text("final_sigmas_type"), finalSigma, path)
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

/// The keys of the file, under its own names; null and absent are alike.
private struct SchedulerFile {
    private let values: [String: JSONValue]
    private let path: String

    init(_ bytes: [UInt8], path: String) throws(CheckpointError) {
        self.path = path
        let document: JSONValue
        do {
            document = try JSONReader<JSONFault>(bytes, takesPythonNumbers: true).document()
        } catch {
            throw Self.failure(path, error.reason)
        }
        guard let values = document.object else {
            throw Self.failure(path, "expected a JSON object, found another value")
        }
        self.values = values
    }

    func text(_ key: String) throws(CheckpointError) -> String? { try value(key, \.string) }
    func integer(_ key: String) throws(CheckpointError) -> Int? { try value(key, \.integer) }
    func number(_ key: String) throws(CheckpointError) -> Double? { try value(key, \.double) }
    func flag(_ key: String) throws(CheckpointError) -> Bool? { try value(key, \.flag) }

    func numbers(_ key: String) throws(CheckpointError) -> [Double]? {
        try value(key) { value in
            guard let list = value.list, case let numbers = list.compactMap(\.double), numbers.count == list.count
            else {
                return nil
            }
            return numbers
        }
    }

    private func value<Value>(_ key: String, _ form: (JSONValue) -> Value?) throws(CheckpointError) -> Value? {
        guard let found = values[key], found != .null else { return nil }
        guard let value = form(found) else { throw Self.failure(path, "\(key) is not of type \(Value.self)") }
        return value
    }

    private static func failure(_ path: String, _ reason: String) -> CheckpointError {
        CheckpointError(
            .content, "cannot read \(path) as a scheduler's configuration: \(reason); restore the file")
    }
}
