// Why one picture could not be made.

import ErrorLines

/// A request that gave no picture, or a batch that could not begin: one line.
public struct GenerationError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What kind of trouble it is, for callers that branch.
    public enum Code: String, Sendable, CaseIterable {
        /// The prompt has more tokens than the text encoder takes, or tokens that it does not know.
        case prompt
        /// The image's sides, the number of steps or given latents do not fit the checkpoint.
        case options
        /// A number became infinite or not a number.
        case notFinite
        /// The device has too little memory even for this picture alone.
        case outOfMemory
    }

    /// What kind of trouble it is.
    public let code: Code
    /// The whole message, one line.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = ErrorLine.text(description)
    }
}
