// Why a checkpoint could not be read.

import ErrorLines
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
    }

    /// What kind of trouble it is.
    public let code: Code
    /// The whole message, one line.
    public let description: String

    /// Makes an error; `description` is one line that ends with the fix, and loses its control characters.
    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = ErrorLine.text(description)
    }

    /// Weights that a network could not take; all names stay, however long the line becomes.
    init(_ error: NetworkError) {
        code = .weights
        description = error.description
    }
}
