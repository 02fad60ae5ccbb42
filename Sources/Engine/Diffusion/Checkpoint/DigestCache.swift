// Hashes of large files, kept between runs.

public import Digests
import Foundation
import Weights

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
        let identity = FileIdentity(path: path)
        if let known = digest(of: identity) { return known }
        let digest = try SHA256.digest(ofFileAt: path)
        keep(digest, of: identity, now: FileIdentity(path: path))
        return digest
    }

    /// The digest of an opened file, whatever has its name now.
    func digest(of file: WeightFile) throws(CheckpointError) -> SHA256Digest {
        if let known = digest(of: file.identity) { return known }
        let digest = try Self.hash(file)
        keep(digest, of: file.identity, now: try? file.currentIdentity())
        return digest
    }

    /// Reads and hashes an opened file.
    static func hash(_ file: WeightFile) throws(CheckpointError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        do {
            while true {
                let count = try piece.withUnsafeMutableBytes { try file.read(at: offset, into: $0) }
                if count == 0 { return hasher.finalize() }
                hasher.update(piece[..<count])
                offset += count
            }
        } catch {
            throw CheckpointError(.file, "\(error)")
        }
    }

    private func digest(of identity: FileIdentity?) -> SHA256Digest? {
        guard let place = place(of: identity), let text = try? String(contentsOfFile: place, encoding: .utf8) else {
            return nil
        }
        return SHA256Digest(hex: text)
    }

    /// Whoever writes to the file meanwhile gives it another identity, and then what was hashed has no name.
    private func keep(_ digest: SHA256Digest, of identity: FileIdentity?, now: FileIdentity?) {
        guard let folder, let place = place(of: identity), now == identity else { return }
        // Nobody needs to know that a hash was not kept.
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? digest.hex.write(toFile: place, atomically: true, encoding: .utf8)
    }

    /// The small file for a large one.
    private func place(of identity: FileIdentity?) -> String? {
        guard let folder, let identity, identity.size >= Self.smallestSize else { return nil }
        return "\(folder)/\(identity)"
    }
}
