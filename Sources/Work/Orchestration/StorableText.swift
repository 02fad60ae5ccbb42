// Text from outside as PostgreSQL takes it: without NUL, and not without end.

import Tasks

extension String {
    /// The text without NUL, which PostgreSQL refuses in any text, and at most 2,000 characters of it.
    ///
    /// A message or a failing plug-in must not end the worker that reports it.
    var storable: String {
        let text = unicodeScalars.contains("\0") ? replacing("\0", with: "\u{FFFD}") : self
        return text.utf8.count <= 2000 ? text : String(text.prefix(2000))
    }
}

extension TaskResult {
    /// The result with a reason that the catalogue can keep.
    var storable: TaskResult {
        guard case .failed(let reason, let isPermanent) = outcome else { return self }
        return TaskResult(number: number, outcome: .failed(reason: reason.storable, isPermanent: isPermanent))
    }
}
