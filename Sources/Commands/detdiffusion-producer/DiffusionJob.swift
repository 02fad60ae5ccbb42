// What a checkpoint says about a job: its digest, its prompts' form and bins, and which prompts it can take.

import Console
import Diffusion
import Generation
import Layouts

/// Reads a checkpoint folder for a job of generator `diffusion`.
struct DiffusionJob {
    private let folder: String
    private let checkpoint: Checkpoint

    init(checkpoint folder: String) throws {
        self.folder = folder
        checkpoint = try Checkpoint(folder: folder)
    }

    /// Fills in what the checkpoint decides; a flag that says something else is an error.
    func complete(_ request: inout JobRequest, template: PromptTemplate?, bins: Bins?) throws {
        if let template, template != checkpoint.template {
            throw conflict("--template", given: template.rawValue, decided: checkpoint.template.rawValue)
        }
        let trained = try checkpoint.requireBins()
        if let bins, bins != trained {
            throw conflict("--bins", given: bins.description, decided: trained.description)
        }
        try checkSampling(request)
        request.template = checkpoint.template
        request.bins = trained
        request.steps = request.steps ?? UsualSampling.steps
        request.guidance = request.guidance ?? UsualSampling.guidance
        request.checkpoint = try checkpoint.digest()
        let tokenizer = checkpoint.tokenizer
        request.promptFault = { prompt in
            let tokens = tokenizer.encode(prompt).count
            guard tokens > tokenizer.maximumLength else { return nil }
            return "\(tokens) tokens, \(tokenizer.maximumLength) fit"
        }
    }

    /// What no worker could sample: said now, not by thousands of dead tasks.
    private func checkSampling(_ request: JobRequest) throws {
        let (range, steps) = (checkpoint.scheduler.stepsRange, request.steps ?? UsualSampling.steps)
        guard range.contains(steps) else {
            throw CommandError(
                .usage,
                "--steps: expected \(range.lowerBound) to \(range.upperBound), as the scheduler of the checkpoint in "
                    + "\(folder) was trained, found \(steps)")
        }
        let factor = checkpoint.autoencoder.factor
        guard request.width.isMultiple(of: factor), request.height.isMultiple(of: factor) else {
            throw CommandError(
                .usage,
                "--size: expected multiples of \(factor), the pixels of one latent of the checkpoint in \(folder), found "
                    + "\(request.width)x\(request.height)")
        }
    }

    private func conflict(_ flag: String, given: String, decided: String) -> CommandError {
        CommandError(
            .usage, "\(flag): the checkpoint in \(folder) was trained with \(decided), found \(given); drop the option")
    }
}
