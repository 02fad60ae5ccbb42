// The options that make a job the job it is, shared by `plan` and `enqueue`.

public import ArgumentParser
import Console
import Diffusion
import Digests
import Generation
public import Layouts
public import Tasks

extension SubsetProtocol: ExpressibleByArgument {}
extension Strategy: ExpressibleByArgument {}
extension UncoveredPolicy: ExpressibleByArgument {}
extension PromptTemplate: ExpressibleByArgument {}
extension Rebalance.Dimension: ExpressibleByArgument {}
extension Lane: ExpressibleByArgument {}

extension Bins: ExpressibleByArgument {
    /// Reads `256x256`.
    public init?(argument: String) { self.init(parsing: argument) }
}

/// The subset, the strategy and the generator.
struct JobOptions: ParsableArguments {
    @Option(help: ArgumentHelp("COCO annotation file (things).", valueName: "file"))
    var annotations: String

    @Option(help: ArgumentHelp("COCO stuff annotation file, for the fidelity subset.", valueName: "file"))
    var stuff: String?

    @Option(help: "Which rules choose images and objects: trainability, fidelity or all.")
    var subset: SubsetProtocol = .trainability

    @Option(help: ArgumentHelp("Keep only these images: one id per line, or a JSON array.", valueName: "file"))
    var imageIds: String?

    @Option(help: ArgumentHelp("At most this many images; a larger limit extends the job later.", valueName: "n"))
    var limit: Int?

    @Option(help: "origin (a detector's labels), hard, easy, or mixed (rules say which).")
    var strategy: Strategy

    @Option(help: ArgumentHelp("Rules of strategy mixed, JSON (docs/strategies.md).", valueName: "file"))
    var rules: String?

    @Option(
        help: ArgumentHelp(
            "Detector results in COCO format, for strategy origin and for rules that say origin.", valueName: "file"))
    var detections: String?

    @Option(help: ArgumentHelp("The ids of the images that the detector was run on.", valueName: "file"))
    var detectedImages: String?

    @Option(help: "Score threshold of eq. 2.")
    var gamma = 0.3

    @Option(help: "IoU threshold of eq. 2.")
    var beta = 0.5

    @Flag(help: "A detection must have the object's category.")
    var sameClass = false

    @Option(help: "Kept images that the detector was not run on: fail, skip or hard.")
    var uncovered: UncoveredPolicy = .fail

    @Option(help: "Prompt form: compact, paper or geodiffusion. Default: the checkpoint's, else compact.")
    var template: PromptTemplate?

    @Option(help: "Location bins, columns x rows. Default: the checkpoint's, else 256x256.")
    var bins: Bins?

    @Flag(help: "Leave out images whose prompts do not fit the checkpoint's text encoder, and count them.")
    var skipUnfit = false

    @Option(help: "Image size, width x height; multiples of 8.")
    var size = PixelSize(width: 800, height: 456)

    @Option(help: "Images per layout.")
    var samples = 1

    @OptionGroup(title: "Evening out") var rebalancing: RebalanceOptions

    @Option(help: "Seed from which every image's seed is derived.")
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "\(GeneratorName.diffusion) with --checkpoint; \(GeneratorName.sketch) draws the layout, \(GeneratorName.blank) "
                + "leaves it out; else the name in a program's ready line.",
            valueName: "name"))
    var generator = GeneratorName.sketch

    @Option(
        help: ArgumentHelp(
            "SHA-256 of the generator's checkpoint, as `detdiffusion-worker inspect` shows it.", valueName: "hex"))
    var checkpointDigest: String?

    @Option(help: ArgumentHelp("Checkpoint of generator diffusion: a folder as diffusers writes it.", valueName: "dir"))
    var checkpoint: String?

    @Option(help: "Denoising steps. Default for diffusion: \(UsualSampling.steps).")
    var steps: Int?

    @Option(help: "Classifier-free guidance scale. Default for diffusion: \(UsualSampling.guidance).")
    var guidance: Double?

    @OptionGroup(title: "Quality gate") var gate: GateOptions

    @Option(help: "Tasks per shard, at most 10,000.")
    var shardSize = 500

    /// The request that these options make.
    func request() throws -> JobRequest {
        guard JobRanges.thresholds.contains(gamma), JobRanges.thresholds.contains(beta) else {
            throw CommandError(.usage, "--gamma and --beta: expected numbers from 0 to 1, found \(gamma) and \(beta)")
        }
        var request = JobRequest(annotations: annotations, subset: subset, strategy: strategy)
        request.stuff = stuff
        request.imageIDs = imageIds
        request.limit = limit
        request.rules = rules
        request.detections = detections
        request.detectedImages = detectedImages
        request.rule = AttributeRule(gamma: gamma, beta: beta, sameClass: sameClass)
        request.uncovered = uncovered
        request.template = template ?? request.template
        request.bins = bins ?? request.bins
        request.width = size.width
        request.height = size.height
        request.samples = samples
        request.rebalance = try rebalancing.request()
        request.seed = seed
        request.gate = try gate.request()
        try setGenerator(of: &request)
        request.shardSize = shardSize
        return request
    }

    private func setGenerator(of request: inout JobRequest) throws {
        guard GeneratorName.isValid(generator) else {
            throw CommandError(
                .usage, "--generator: expected \(GeneratorName.rule), found \(JobName.quoted(generator))")
        }
        request.generator = generator
        request.steps = steps
        request.guidance = guidance
        switch generator {
        case GeneratorName.sketch, GeneratorName.blank: try refuseModelOptions()
        case GeneratorName.diffusion: try setCheckpoint(of: &request)
        default: try setProgram(of: &request)
        }
    }

    private func refuseModelOptions() throws {
        for (flag, isGiven) in [
            ("--checkpoint-digest", checkpointDigest != nil), ("--checkpoint", checkpoint != nil),
            ("--steps", steps != nil), ("--guidance", guidance != nil), ("--skip-unfit", skipUnfit),
        ]
        where isGiven {
            throw CommandError(.usage, "\(flag): generator \(generator) draws without a model; drop the option")
        }
    }

    private func setCheckpoint(of request: inout JobRequest) throws {
        guard checkpointDigest == nil else {
            throw CommandError(
                .usage,
                "--checkpoint-digest: generator diffusion computes it from the folder given with --checkpoint; "
                    + "drop the option")
        }
        guard let checkpoint else {
            throw CommandError(.usage, "--generator diffusion: expected --checkpoint DIR beside it, found none")
        }
        request.skipsUnfit = skipUnfit
        try DiffusionJob(checkpoint: checkpoint).complete(&request, template: template, bins: bins)
    }

    private func setProgram(of request: inout JobRequest) throws {
        for (flag, isGiven) in [("--checkpoint", checkpoint != nil), ("--skip-unfit", skipUnfit)] where isGiven {
            throw CommandError(
                .usage,
                "\(flag): generator \(generator) is a program that keeps its own checkpoint; give what "
                    + "`detdiffusion-worker inspect` shows with --checkpoint-digest")
        }
        request.checkpoint = try checkpointDigest.map { text in
            guard let digest = SHA256Digest(hex: text) else {
                throw CommandError(
                    .usage,
                    "--checkpoint-digest: expected 64 hexadecimal digits, found \(JobName.quoted(text)); see "
                        + "`detdiffusion-worker inspect`")
            }
            return digest
        }
    }
}
