// A store in memory: it keeps the contract of stores without a folder, and is gone with its process.

import Digests
import Files
import Foundation
public import Stores
import Synchronization

/// The place of a store in memory; a test may do behind its back what disasters do.
public final class MemorySite: StoreSite {
    struct File {
        var bytes: [UInt8]
        var since: ContinuousClock.Instant
        var age: Duration { .now - since }
    }

    struct State {
        var identity: StoreIdentity?
        var files: [String: File] = [:]
    }

    /// `memory:` and a name.
    public let place: String
    let state = Mutex(State())
    private let graceAge: Duration

    /// - Parameter graceAge: as that of a server that cannot look at the age and remove in one step; zero for a store that
    ///   makes what is put again young at once.
    public init(_ name: String = "made", graceAge: Duration = .zero) {
        place = "memory:\(name)"
        self.graceAge = graceAge
    }

    /// The catalogue that it belongs to.
    public func identity() throws(StoreError) -> StoreIdentity? { state.withLock { $0.identity } }

    /// Makes it the store of a catalogue, once.
    @discardableResult
    public func claim(for identity: StoreIdentity) throws(StoreError) -> Bool {
        let found = state.withLock { state in
            defer { state.identity = state.identity ?? identity }
            return state.identity
        }
        guard let found else { return true }
        guard found.isSame(as: identity) else { throw .foreign(place, expected: identity, found: found) }
        return false
    }

    /// Whether nothing lies where objects and archives do.
    public func isEmpty() throws(StoreError) -> Bool {
        state.withLock { !$0.files.keys.contains { $0.hasPrefix("objects/") || $0.hasPrefix("shards/") } }
    }

    /// Whether a file of this name and size is there.
    public func holds(_ name: StoreName, size: Int) throws(StoreError) -> Bool {
        state.withLock { $0.files[name.key]?.bytes.count == size }
    }

    /// Opens the store of a catalogue.
    public func open(of identity: StoreIdentity, for use: StoreUse) throws(StoreError) -> any ObjectStore {
        let store = MemoryStore(site: self, identity: identity, graceAge: graceAge)
        try store.withFiles { _ in }
        return store
    }

    /// Puts bytes under a key, whatever it is: damage, or somebody else's.
    public func plant(_ key: String, _ bytes: [UInt8]) {
        state.withLock { $0.files[key] = File(bytes: bytes, since: .now) }
    }

    /// Lets a file's age count from so long ago.
    public func makeOld(_ key: String, by age: Duration) { state.withLock { $0.files[key]?.since = .now - age } }

    /// Gives the place to another catalogue, or to none; returns whose it was.
    @discardableResult
    public func replace(identity: StoreIdentity?) -> StoreIdentity? {
        state.withLock { state in
            defer { state.identity = identity }
            return state.identity
        }
    }

    /// The keys of all files.
    public var keys: [String] { state.withLock { $0.files.keys.sorted() } }
}

/// A store in memory, opened for its catalogue.
struct MemoryStore: ObjectStore {
    let site: MemorySite
    let identity: StoreIdentity
    let graceAge: Duration
    var place: String { site.place }
    var scratch: ScratchFolder? { nil }

    /// Runs `body` alone, if this is still the catalogue's store.
    func withFiles<Value>(_ body: (inout [String: MemorySite.File]) -> sending Value) throws(StoreError) -> Value {
        let found = site.state.withLock { state -> (StoreIdentity?, Value?) in
            guard state.identity?.isSame(as: identity) == true else { return (state.identity, nil) }
            return (state.identity, body(&state.files))
        }
        if let value = found.1 { return value }
        guard let other = found.0 else {
            throw .away(place, expected: identity, found: "no '\(StoreIdentity.fileName)' in it")
        }
        throw .foreign(place, expected: identity, found: other)
    }

    func put(_ items: [[UInt8]], extension: String) throws(StoreError) -> [StoredObject] {
        var objects: [StoredObject] = []
        for bytes in items {
            let name = try ObjectName(SHA256.digest(of: bytes), extension: `extension`)
            objects.append(StoredObject(name: name, size: bytes.count))
        }
        let keys = objects.map(\.name.key)
        try withFiles { files in
            for (key, bytes) in zip(keys, items) {
                // Whoever cannot touch leaves alone what is younger than half of the grace.
                if let there = files[key], there.bytes == bytes, there.age < graceAge / 2 { continue }
                files[key] = MemorySite.File(bytes: bytes, since: .now)
            }
        }
        return objects
    }

    func publish(_ file: ScratchFile, as name: ArchiveName, digest: SHA256Digest) throws(StoreError) {
        try withFiles { _ in }
        let bytes: [UInt8]
        do { bytes = try RegularFile(path: file.path).contents(limit: .max) } catch { throw .reading(error) }
        let found = SHA256.digest(of: bytes)
        guard found == digest else {
            throw StoreError(.corrupt, "cannot publish \(file.path): expected SHA-256 \(digest), found \(found)")
        }
        try withFiles { $0[name.key] = MemorySite.File(bytes: bytes, since: .now) }
        unlink(file.path)
    }

    func open(_ name: StoreName, size: Int?) throws(StoreError) -> any ByteReader {
        guard let bytes = try withFiles({ $0[name.key]?.bytes }) else {
            throw .reading(FileFailure("open", place(of: name), number: ENOENT))
        }
        guard size == nil || size == bytes.count else {
            throw .reading(
                FileFailure(
                    "read", place(of: name), expected: "a file of \(size ?? 0) bytes", found: "\(bytes.count) bytes"))
        }
        return MemoryReader(bytes, place: place(of: name))
    }

    func entry(_ name: StoreName) throws(StoreError) -> StoreEntry? {
        try withFiles { files in files[name.key].map { StoreEntry(size: $0.bytes.count, age: $0.age) } }
    }

    func children(of prefix: String) throws(StoreError) -> [StoreChild] {
        let start = prefix.isEmpty ? "" : prefix + "/"
        let children = try withFiles { files in
            files.reduce(into: [String: StoreChild.Content]()) { children, file in
                guard file.key.hasPrefix(start) else { return }
                let parts = file.key.dropFirst(start.count).split(separator: "/")
                children[String(parts[0])] =
                    parts.count > 1 ? .prefix : .file(size: file.value.bytes.count, age: file.value.age)
            }
        }
        return children.map(StoreChild.init).sorted { $0.name < $1.name }
    }

    func remove(_ name: StoreName, olderThan age: Duration) throws(StoreError) -> Bool {
        try withFiles { files in
            guard let there = files[name.key], there.age > max(age, graceAge) else { return false }
            files[name.key] = nil
            return true
        }
    }

    /// A file comes into memory at once, so that nothing is half written.
    func removeAbandoned(olderThan age: Duration, removing: Bool) throws(StoreError) -> (count: Int, bytes: Int) {
        try withFiles { _ in (0, 0) }
    }
}
