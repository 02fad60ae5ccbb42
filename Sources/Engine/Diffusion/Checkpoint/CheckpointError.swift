// Why a checkpoint could not be read.

import ErrorLines
public import JSON
import Networks

/// A checkpoint that could not be read: one line that names the file, what was expected and found, and the fix.
public struct CheckpointError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What kind of trouble it is, for callers that branch.
    public enum Code: String, Sendable, CaseIterable {
        /// A file is missing, or could not be opened or read.
        case file
        /// A file's contents are damaged or contradict themselves or one another.
        case content
        /// The checkpoint is whole, but of a kind that is not computed here.
        case unsupported
        /// The weights are not those that the configuration asks for.
        case weights
        /// The device could not take the weights.
        case device
    }

    /// What kind of trouble it is.
    public let code: Code
    /// The whole message, one line.
    public let description: String

    /// Every tensor that does not fit, each in one line; empty for errors that are about something else.
    public let details: [String]

    /// Makes an error; `description` is one line that ends with the fix, and loses its control characters.
    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = ErrorLine.text(description)
        details = []
    }

    /// Weights that the networks of the checkpoint in `folder` could not take: the line has the counts and the first
    /// names, the details have all.
    init(_ errors: [NetworkError], folder: String) {
        code = .weights
        details = errors.flatMap(\.lines).map(ErrorLine.text)
        let shown = details.prefix(Self.shownDetails).joined(separator: "; ")
        let more = details.count > Self.shownDetails ? "; …" : ""
        description = ErrorLine.text(
            "\(folder): expected the tensors that each config.json asks for, found "
                + errors.map(\.counts).joined(separator: "; ")
                + " (\(shown)\(more)); take config.json and weights that "
                + "were saved together; `detdiffusion-worker inspect --checkpoint` lists all \(details.count)")
    }

    /// How many tensors the line names.
    private static let shownDetails = 2
}

extension CheckpointError: JSONReadingError {
    /// A tokenizer or a configuration that is not the JSON that it must be.
    public init(_ fault: JSONFault) {
        self.init(.content, "\(fault.path), \(fault.reason); \(fault.fix)")
    }
}
