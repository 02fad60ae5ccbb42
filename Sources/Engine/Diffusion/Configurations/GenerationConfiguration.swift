// What a layout checkpoint says about its prompts and pictures: generation_config.json.

import JSON
import Layouts

/// The location tokens, the prompt's form and the image size that a checkpoint was trained with.
///
/// The file is GeoDiffusion's; a plain Stable Diffusion checkpoint has none, or one without these keys.
struct GenerationConfiguration: Sendable, Hashable {
    /// The grid of location tokens, `num_bucket_per_side` (columns, rows).
    let bins: Bins?
    /// The form that `prompt_template` names.
    let template: PromptTemplate?
    /// Pixels across, `width`.
    let width: Int?
    /// Pixels down, `height`.
    let height: Int?

    /// The settings of a checkpoint without the file.
    static let empty = GenerationConfiguration(bins: nil, template: nil, width: nil, height: nil)

    /// Pixels on a side of what is generated, as `generate --size` takes them.
    private static let sides = 1...16_384

    /// GeoDiffusion's `prompt_template` for COCO: an opening that all forms here share, so it does not tell them apart.
    static let sharedOpening = PromptTemplate.opening + "{bbox}"

    private init(bins: Bins?, template: PromptTemplate?, width: Int?, height: Int?) {
        (self.bins, self.template, self.width, self.height) = (bins, template, width, height)
    }

    init(_ file: ConfigurationFile) throws(CheckpointError) {
        bins = try Self.bins(file)
        template = try Self.template(file)
        width = file["width"] == nil ? nil : try file.integer("width", default: 1, in: Self.sides)
        height = file["height"] == nil ? nil : try file.integer("height", default: 1, in: Self.sides)
    }

    private static func bins(_ file: ConfigurationFile) throws(CheckpointError) -> Bins? {
        let key = "num_bucket_per_side"
        guard file[key] != nil else { return nil }
        let sides = try file.integers(key, count: 2, default: 1, in: 1...Bins.sideLimit)
        return Bins(columns: sides[0], rows: sides[1])
    }

    private static func template(_ file: ConfigurationFile) throws(CheckpointError) -> PromptTemplate? {
        let key = "prompt_template"
        guard let found = file[key], found != .text(sharedOpening) else { return nil }
        guard case .text(let name) = found, let template = PromptTemplate(rawValue: name) else {
            let names = PromptTemplate.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.unsupported(key, found, expected: "\(names) or '\(sharedOpening)'")
        }
        return template
    }
}
