// SHA-256 of whole values and files in one call.

import Foundation

/// SHA-256 digests of bytes, text and files.
public enum SHA256 {
    /// How much of a file is held in memory at once.
    static let pieceSize = 1 << 20

    /// The digest of `bytes`.
    public static func digest(of bytes: [UInt8]) -> SHA256Digest {
        var hasher = SHA256Hasher()
        hasher.update(bytes)
        return hasher.finalize()
    }

    /// The digest of the text's UTF-8 bytes.
    public static func digest(of string: String) -> SHA256Digest { digest(of: Array(string.utf8)) }

    /// The digest of a file's contents, read in pieces of 1 MiB.
    ///
    /// Throws when the file cannot be opened or read to its end.
    public static func digest(ofFileAt path: String) throws(DigestError) -> SHA256Digest {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DigestError(path: path, action: "open", errorNumber: errno) }
        defer { close(descriptor) }
        var hasher = SHA256Hasher()
        var piece = [UInt8](repeating: 0, count: pieceSize)
        while true {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw DigestError(path: path, action: "read", errorNumber: errno) }
            if count == 0 { return hasher.finalize() }
            unsafe piece.withUnsafeBytes { unsafe hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }
}
