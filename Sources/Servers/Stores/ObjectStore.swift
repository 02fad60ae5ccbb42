// What jobs need of a store: the contract that a folder keeps, and that a server can keep.

public import Digests
public import Files

/// Keeps objects under the SHA-256 of their bytes, and archives under their job and number.
///
/// Any number of processes on any number of hosts may share a store. What a call has returned is durable, and a crash at
/// any moment leaves whole files or none; a reader never sees half of one. All calls may block.
///
/// **Whose it is.** A store belongs to one catalogue (``StoreIdentity``) and is opened for it (``StoreSite``). Every call
/// throws `.away` once the store is not there any more, and `.foreign` once another catalogue's is in its place: nothing
/// is written then, and nothing is called missing.
///
/// **Age.** A file's age counts from when it was last put or published. Putting bytes that are there makes the object
/// young again, so that whoever put it can rely on it while it is recorded. ``remove(_:olderThan:)`` must not take away
/// what is put at that moment. A store that can look at the age and remove in one step, under a lock that putting
/// respects, needs no ``graceAge``. One that cannot, since its server knows no such lock, names one that is twice as long
/// as a caller may rely on: it never removes what is younger, and its ``put(_:extension:)`` writes anew what is older than
/// half of it.
///
/// **Errors.** Each is a ``StoreError`` whose line names the place where a person can look.
public protocol ObjectStore: Sendable {
    /// Where the store is, as a person would look for it: a folder's path, or a URL.
    var place: String { get }

    /// What is younger than this is never removed; zero where age and removal are one step.
    var graceAge: Duration { get }

    /// Where files should be written that are to be published, so that publishing need not copy them; `nil` where any
    /// folder is as good as another.
    var scratch: ScratchFolder? { get }

    /// Keeps several objects at once; all are durable when it returns, in the order given.
    ///
    /// What is there with these bytes is not written again, but is young again; what is there with others, damaged, is
    /// replaced. Where it throws, some may be kept and none is promised. Throws `.full` and `.readOnly`, too.
    func put(_ items: [[UInt8]], extension: String) throws(StoreError) -> [StoredObject]

    /// Keeps a whole local file as an archive, in place of one that is there; it is gone from the scratch folder then.
    ///
    /// Readers find the old archive or the new one. Where it throws, the local file may still be there, and its writer
    /// removes it.
    /// - Parameter digest: the SHA-256 of the file as its writer has read it back; a store that has to copy or send the
    ///   file holds what it copied against it, and throws `.corrupt`.
    func publish(_ file: ScratchFile, as name: ArchiveName, digest: SHA256Digest) throws(StoreError)

    /// Opens a file for random access.
    ///
    /// Throws `.missing` when it is not there, here or at the first read, and `.corrupt` when something else than a file of
    /// this size is in its place; `.away`, too, when the place of all objects has gone.
    /// - Parameter size: the bytes that it must have, as they were recorded; any if `nil`.
    func open(_ name: StoreName, size: Int?) throws(StoreError) -> any ByteReader

    /// What is in the place of a file; `nil` when nothing is.
    func entry(_ name: StoreName) throws(StoreError) -> StoreEntry?

    /// What lies directly below a prefix of keys, sorted by name; nothing below one that does not exist.
    /// - Parameter prefix: parts of keys between slashes, such as `objects/ab`; empty for the top.
    func children(of prefix: String) throws(StoreError) -> [StoreChild]

    /// Removes a file that was put or published longer ago than `age`, and than ``graceAge``; false when it is younger or
    /// not there. An object that somebody puts at the same time stays, or is written again by its putter.
    func remove(_ name: StoreName, olderThan age: Duration) throws(StoreError) -> Bool

    /// What crashes left half written longer ago than `age`: how many, and their bytes.
    ///
    /// The store's clock is compared with this host's: choose an age beyond any clock skew and any write, such as a day.
    /// - Parameter removing: false to look only.
    func removeAbandoned(olderThan age: Duration, removing: Bool) throws(StoreError) -> (count: Int, bytes: Int)

    /// The file itself, where the store keeps it as one of this host's: it can be linked instead of copied. `nil` where it
    /// does not; throws as ``open(_:size:)`` does.
    func localFile(_ name: StoreName, size: Int?) throws(StoreError) -> RegularFile?
}

extension ObjectStore {
    /// None, unless a store has files on this host.
    public func localFile(_ name: StoreName, size: Int?) throws(StoreError) -> RegularFile? { nil }

    /// Where a file is or would be, as a person would look for it.
    public func place(of name: StoreName) -> String { "\(place)/\(name.key)" }
}

/// What is in the place of a file.
public struct StoreEntry: Sendable, Hashable, CustomStringConvertible {
    /// Its bytes; `nil` for what is no file.
    public let size: Int?
    /// How long ago it was put or published, by this host's clock.
    public let age: Duration
    /// What it is, in words: "12 bytes", "a symbolic link".
    public let description: String

    /// A file.
    public init(size: Int, age: Duration) {
        (self.size, self.age, description) = (size, age, "\(size) bytes")
    }

    /// Something else, in words.
    public init(_ description: String, age: Duration) {
        (size, self.age, self.description) = (nil, age, description)
    }
}

/// One name directly below a prefix.
public struct StoreChild: Sendable, Hashable {
    /// What is under the name.
    public enum Content: Sendable, Hashable {
        /// A file, and how long ago it was put or published.
        case file(size: Int, age: Duration)
        /// A prefix of further names.
        case prefix
        /// Something that no store puts there, such as a link.
        case other
    }

    /// The last part of the key.
    public let name: String
    /// What is there.
    public let content: Content

    /// Describes a child.
    public init(name: String, content: Content) {
        self.name = name
        self.content = content
    }
}
