// Hashes of large files, kept between runs.

public import Digests
import Foundation

/// Remembers the SHA-256 of files that have not changed since they were hashed: one small file for each.
///
/// The name of such a file is the hashed file's device, inode, size, and times of last modification and change in
/// nanoseconds. Where nothing can be kept, every call hashes; that is slow and nothing else.
public struct DigestCache: Sendable {
    /// Files below this are hashed at once.
    static let smallestSize = 1 << 20

    /// Where the small files are; `nil` keeps nothing.
    public let folder: String?

    /// Keeps hashes in `folder`, which is made when it is first needed.
    public init(folder: String?) { self.folder = folder }

    /// The user's cache folder: `$XDG_CACHE_HOME` or `~/.cache`, and `detdiffusion/digests` in it.
    public static var user: DigestCache {
        let caches = FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask).first
        return DigestCache(folder: caches?.appending(path: "detdiffusion/digests").path)
    }

    /// The digest of the file's contents, from the cache where it has one.
    public func digest(ofFileAt path: String) throws(DigestError) -> SHA256Digest {
        guard let folder, let identity = Self.identity(ofFileAt: path) else { return try SHA256.digest(ofFileAt: path) }
        let place = "\(folder)/\(identity)"
        if let text = try? String(contentsOfFile: place, encoding: .utf8), let known = SHA256Digest(hex: text) {
            return known
        }
        let digest = try SHA256.digest(ofFileAt: path)
        // Who writes to the file meanwhile gives it other times, and then what was hashed has no name.
        guard Self.identity(ofFileAt: path) == identity else { return digest }
        // Nobody needs to know that a hash was not kept.
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? digest.hex.write(toFile: place, atomically: true, encoding: .utf8)
        return digest
    }

    /// What tells a large file's contents apart from all others on this host; `nil` for small files.
    static func identity(ofFileAt path: String) -> String? {
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_size >= smallestSize else { return nil }
        let times = [modification(facts), change(facts)].map { "\($0.tv_sec).\($0.tv_nsec)" }
        return "\(facts.st_dev)-\(facts.st_ino)-\(facts.st_size)-" + times.joined(separator: "-")
    }

    #if canImport(Darwin)
        private static func modification(_ facts: stat) -> timespec { facts.st_mtimespec }
        private static func change(_ facts: stat) -> timespec { facts.st_ctimespec }
    #else
        private static func modification(_ facts: stat) -> timespec { facts.st_mtim }
        private static func change(_ facts: stat) -> timespec { facts.st_ctim }
    #endif
}
