// What a checkpoint says about a job: its digest, its prompts' form and bins, and which prompts it can take.

import Console
import Diffusion
import Layouts
import Orchestration

/// Reads a checkpoint folder for a job of generator `diffusion`.
struct DiffusionJob {
    /// The generator's name.
    static let generator = "diffusion"

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
        request.template = checkpoint.template
        request.bins = trained
        request.steps = request.steps ?? 50
        request.guidance = request.guidance ?? 3.5
        request.checkpoint = try checkpoint.digest()
        let tokenizer = checkpoint.tokenizer
        request.promptFault = { prompt in
            let tokens = tokenizer.encode(prompt).count
            guard tokens > tokenizer.maximumLength else { return nil }
            return "\(tokens) tokens, \(tokenizer.maximumLength) fit"
        }
    }

    private func conflict(_ flag: String, given: String, decided: String) -> CommandError {
        CommandError(
            .usage, "\(flag): the checkpoint in \(folder) was trained with \(decided), found \(given); drop the option")
    }
}
