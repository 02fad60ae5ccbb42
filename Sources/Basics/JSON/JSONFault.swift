// What is wrong with a JSON text, and how each module turns that into its own error.

/// The first thing in a JSON text that is not as it should be.
public struct JSONFault: Error, Hashable, Sendable {
    /// The file, as the reader was told it.
    public var path: String
    /// What of the file the text is, for example `header`; empty for all of it.
    public var part: String
    /// How many bytes of the text stand before it.
    public var byte: Int
    /// What should be there.
    public var expected: String
    /// What is there, in quotes and without control characters, or in words.
    public var found: String
    /// What to do about it, as the reader was told it.
    public var fix: String
    /// Where an object has a key for a second time: the key, with those of the objects around it before it, joined by
    /// points.
    public var repeatedKey: String?

    /// `byte 12: expected ':', found '1}'`.
    public var reason: String { "byte \(byte): expected \(expected), found \(found)" }
}

/// An error that can say what a ``JSONReader`` found wrong.
public protocol JSONReadingError: Error {
    /// The error that says it.
    init(_ fault: JSONFault)
}

extension JSONFault: JSONReadingError {
    /// The fault itself, for callers that put it in their own words.
    public init(_ fault: JSONFault) { self = fault }
}
