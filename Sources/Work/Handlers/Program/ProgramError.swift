// Why a generator program could not be used.

/// A generator program that could not be started, broke the protocol, or ended.
public struct ProgramError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What callers branch on.
    public enum Code: Sendable, Hashable {
        /// It could not be started, or gave no usable ready line: nothing that a task did.
        case start
        /// It failed before it took its batch: nothing that a task did.
        case betweenBatches
        /// It ended while it had a batch.
        case ended
        /// It did not answer within its time limit.
        case timeLimit
        /// It wrote something that the protocol does not know.
        case violation
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: which program, what was expected, what was found, and the fix.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
