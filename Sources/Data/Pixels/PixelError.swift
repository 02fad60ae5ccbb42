// Why a picture could not be decoded or written.

/// A picture that could not be decoded, encoded or written.
public struct PixelError: Error, CustomStringConvertible, Sendable {
    /// What callers may branch on.
    public enum Code: Sendable {
        /// The bytes are not a whole, correct PNG or JPEG.
        case malformed
        /// The picture holds more pixels than ``Image/pixelLimit``.
        case tooLarge
        /// The file could not be written, or libpng could not encode.
        case unwritable
    }

    /// What kind of failure it is.
    public let code: Code
    /// One line: what was done, where, what was expected, what was found.
    public let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
