// Why a device gave no numbers.

import ErrorLines

/// An operation that failed: one line that names the operation and its shapes, and says why.
public struct DeviceError: Error, CustomStringConvertible, Sendable, Hashable {
    /// What kind of trouble it is, for callers that branch.
    public enum Code: String, Sendable, CaseIterable {
        /// The device has not enough memory left; a smaller batch may fit.
        case outOfMemory
        /// The device is gone: nothing more can be computed with it in this process.
        case lost
        /// This operation cannot be computed; others can.
        case failed
    }

    /// What kind of trouble it is.
    public let code: Code
    /// What was computed, as in `linear: [2, 64, 320] with weights [640, 320]`; empty until a tensor has said so.
    public let operation: String
    /// What the device says, one line.
    public let reason: String

    /// An error as a device throws it; the tensor that wanted the operation adds its name and shapes.
    public init(_ code: Code, _ reason: String) { self.init(code, during: "", reason) }

    private init(_ code: Code, during operation: String, _ reason: String) {
        self.code = code
        self.operation = operation
        self.reason = ErrorLine.text(reason)
    }

    /// The same error of a named operation, unless it names one already.
    func during(_ operation: String) -> DeviceError {
        self.operation.isEmpty ? DeviceError(code, during: ErrorLine.text(operation), reason) : self
    }

    /// The whole message, one line.
    public var description: String { operation.isEmpty ? reason : "\(operation): \(reason)" }
}
