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
    /// Throws when it is no regular file, which a pipe or a device without an end is not, or when it cannot be opened or
    /// read to its end.
    public static func digest(ofFileAt path: String) throws(DigestError) -> SHA256Digest {
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DigestError(path: path, action: "open", errorNumber: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw DigestError(path: path, action: "look at", errorNumber: errno)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return try digest(ofOpenFile: descriptor, path: path)
        case S_IFDIR: throw DigestError(path: path, action: "read", errorNumber: EISDIR)
        default: throw DigestError(path: path, action: "read", errorNumber: ENODEV)
        }
    }

    private static func digest(ofOpenFile descriptor: Int32, path: String) throws(DigestError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        var piece = [UInt8](repeating: 0, count: pieceSize)
        while true {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw DigestError(path: path, action: "read", errorNumber: errno) }
            if count == 0 { break }
            unsafe piece.withUnsafeBytes { unsafe hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
        return hasher.finalize()
    }
}
