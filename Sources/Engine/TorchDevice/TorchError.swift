// Why libtorch cannot be used.

import ErrorLines

/// A libtorch that is missing, does not fit or does not open: one line with the fix.
public struct TorchError: Error, CustomStringConvertible, Sendable, Hashable {
    /// The whole message, one line.
    public let description: String

    init(_ description: String) { self.description = ErrorLine.text(description) }
}
