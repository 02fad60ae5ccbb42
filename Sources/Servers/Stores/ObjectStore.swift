// The object directory: files named by their content, and finished shards.

public import Digests
import ErrorLines
import Foundation
import Synchronization

/// A file of the object directory.
public struct StoredObject: Hashable, Sendable {
    /// SHA-256 of its bytes.
    public let digest: SHA256Digest
    /// Its size in bytes.
    public let size: Int
    /// Its path relative to the store's root, such as `objects/ab/cdef….png`.
    public let path: String
}

/// A directory that holds objects under the SHA-256 of their bytes, and shards under their job's name.
///
/// Below the root: `objects/ab/<62 digits>.<extension>`, `shards/<job>/<job>-000012.tar`, and `tmp/`, where
/// everything is written before it moves to its name. What a call has returned is on the disc: file and folder are
/// fsynced, and a crash at any moment leaves whole files or none. Any number of processes may share a root. All calls
/// block on the disc.
///
/// The root is a catalogue's object directory as long as its identity file says so (``StoreIdentity``): nothing is
/// written, made or removed in another folder, and a file that is missing there is not called missing.
public struct ObjectStore: Sendable {
    /// What a store is opened for.
    public enum Use: Sendable {
        /// Nothing in it is made, changed or removed.
        case reading
        /// Its folders are made where they are missing.
        case writing
    }

    /// The store's folder, an absolute path.
    public let root: String

    let presence: StorePresence
    private let folders = FolderLedger()

    /// Opens the object directory of a catalogue.
    ///
    /// - Throws: `.away` and `.foreign` where `root` is not that catalogue's; for writing also when a folder cannot be
    ///   made or written, or when `tmp` lies on another file system than the rest.
    public init(root: String, of identity: StoreIdentity, for use: Use = .writing) throws(StoreError) {
        self.root = Self.absolute(root)
        presence = StorePresence(root: self.root, identity: identity)
        try presence.confirm()
        guard use == .writing else { return }
        for folder in ["objects", "shards", "tmp"] { try Disc.makeFolder("\(self.root)/\(folder)", in: self.root) }
        try checkFileSystem()
        let probe = temporaryPath()
        try Disc.create(probe, [])
        guard unlink(probe) == 0 else { throw .system("remove", probe) }
    }

    /// `root` as an absolute path without a slash at its end.
    static func absolute(_ root: String) -> String {
        let absolute = URL(fileURLWithPath: root).standardizedFileURL.path
        return absolute.count > 1 && absolute.hasSuffix("/") ? String(absolute.dropLast()) : absolute
    }

    /// Renames are atomic within one file system only.
    private func checkFileSystem() throws(StoreError) {
        let temporary = try Disc.status("\(root)/tmp")
        for folder in ["objects", "shards"] {
            guard try Disc.status("\(root)/\(folder)")?.st_dev == temporary?.st_dev else {
                throw StoreError(
                    .invalid,
                    "cannot use the object directory \(root): expected \(folder) and tmp on one file system, found two;"
                        + " mount the whole directory instead")
            }
        }
    }

    // MARK: Paths

    /// Where the object with this digest is or would be, relative to the root.
    public func path(of digest: SHA256Digest, extension: String) throws(StoreError) -> String {
        try Self.path(of: digest, extension: `extension`)
    }

    /// Where an object with this digest is or would be in every store, relative to its root.
    public static func path(of digest: SHA256Digest, extension: String) throws(StoreError) -> String {
        let letters = `extension`.utf8
        let isPlain = letters.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
        guard (1...16).contains(letters.count), isPlain else {
            throw StoreError(
                .invalid,
                "cannot name an object with the extension '\(`extension`)': expected 1 to 16 of a-z and 0-9, as in png")
        }
        let hex = digest.hex
        return "objects/\(hex.prefix(2))/\(hex.dropFirst(2)).\(`extension`)"
    }

    /// Where the tar of a job's shard belongs, relative to the root: `shards/<job>/<job>-000012.tar`.
    ///
    /// - Parameter job: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`
    public func path(ofShard job: String, number: Int) throws(StoreError) -> String {
        try Self.path(ofShard: job, number: number)
    }

    /// Where the tar of a job's shard belongs in every store, relative to its root.
    public static func path(ofShard job: String, number: Int) throws(StoreError) -> String {
        guard isJob(job) else {
            throw StoreError(
                .invalid,
                "cannot name a shard of the job '\(job)': expected 1 to 100 of letters, digits, '.', '_' and '-',"
                    + " beginning with a letter or digit")
        }
        guard number >= 0 else {
            throw StoreError(.invalid, "cannot name shard \(number) of the job '\(job)': expected a number from 0 on")
        }
        let digits = String(number)
        return "shards/\(job)/\(job)-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).tar"
    }

    /// Where the archive of a job's shard is, relative to the root, held against what the catalogue recorded.
    ///
    /// The path follows from job and number; one that was recorded and differs leads elsewhere, and nothing is read there.
    /// Throws `.invalid`.
    public func path(ofShard job: String, number: Int, recorded: String) throws(StoreError) -> String {
        let path = try path(ofShard: job, number: number)
        guard recorded == path else {
            throw StoreError(
                .invalid,
                "cannot use the archive of shard \(number) of the job '\(job)': expected the path \(path) in the catalogue,"
                    + " found '\(ErrorLine.text(recorded).prefix(200))'; `detdiffusion-catalogue reconcile --fix` packs it anew"
            )
        }
        return path
    }

    static func isJob(_ name: String) -> Bool { name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._\-]{0,99}/) != nil }

    /// The absolute path of a file from its path relative to the root.
    public func absolutePath(of relativePath: String) -> String { "\(root)/\(relativePath)" }

    /// A new path in `tmp/` that no other process uses; absolute. Nothing is there yet.
    public func temporaryPath() -> String { "\(root)/tmp/\(TemporaryName.make())" }

    // MARK: Folders

    /// The folder that a relative path lies in.
    func folder(of relativePath: String) -> String {
        relativePath.split(separator: "/").dropLast().joined(separator: "/")
    }

    /// The last part of a relative path.
    func name(of relativePath: String) -> String { relativePath.split(separator: "/").last.map(String.init) ?? "" }

    /// Makes the folder of a relative path and those above it, durably; cheap once this process has seen it.
    func makeFolder(of relativePath: String) throws(StoreError) {
        var folder = root
        for part in relativePath.split(separator: "/").dropLast() {
            folder += "/\(part)"
            if folders.knows(folder) { continue }
            try Disc.makeFolder(folder, in: root)
            folders.add(folder)
        }
    }

    /// Moves a synced temporary file to its name, making the folder where it is missing.
    func move(_ temporary: String, to relativePath: String) throws(StoreError) {
        try makeFolder(of: relativePath)
        do {
            try Disc.move(temporary, absolutePath(of: relativePath))
        } catch  where error.code == .missing {
            // Somebody removed a folder that this process had seen.
            folders.forget()
            try makeFolder(of: relativePath)
            try Disc.move(temporary, absolutePath(of: relativePath))
        }
    }
}

/// The folders that this process knows to be there and durable.
private final class FolderLedger: Sendable {
    private let seen = Mutex<Set<String>>([])

    func knows(_ folder: String) -> Bool { seen.withLock { $0.contains(folder) } }
    func add(_ folder: String) { seen.withLock { _ = $0.insert(folder) } }
    func forget() { seen.withLock { $0 = [] } }
}
