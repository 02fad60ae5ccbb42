// A folder as a store: files named by their content, and finished shards.

import Files
import Foundation
import Synchronization

/// A folder that is a catalogue's store.
///
/// Below the root: `objects/ab/<62 digits>.<extension>`, `shards/<job>/<job>-000012.tar`, and `tmp/`, where
/// everything is written before it moves to its name. File and folder are fsynced. Any number of processes may share a
/// root, on a shared file system from any number of hosts. All calls block on the disc.
///
/// The root is the store as long as its identity file says so: it may be unmounted, or something else be mounted there.
struct FolderStore: ObjectStore {
    /// The store's folder, an absolute path.
    let root: String

    let presence: StorePresence
    private let folders = FolderLedger()

    var place: String { root }
    /// Age and removal are one step: the folder is locked, and putting locks it too.
    var graceAge: Duration { .zero }
    /// Its own folder for files in the making, so that publishing is a rename.
    var scratch: ScratchFolder? { ownScratch }

    let ownScratch: ScratchFolder
    private let site: FolderSite

    /// Opens the store of a catalogue.
    ///
    /// - Throws: `.away` and `.foreign` where `root` is not that catalogue's; for writing also when a folder cannot be
    ///   made or written, or when `tmp` lies on another file system than the rest.
    init(root: String, of identity: StoreIdentity, for use: StoreUse = .writing) throws(StoreError) {
        site = FolderSite(root)
        self.root = site.root
        ownScratch = ScratchFolder(absolute: site.path(of: .scratch))
        presence = StorePresence(root: self.root, identity: identity)
        try presence.confirm()
        guard use == .writing else { return }
        for part in FolderSite.Part.allCases { try Disc.makeFolder(site.path(of: part), in: self.root) }
        try checkFileSystem()
        let probe = ownScratch.newFile().path
        try Disc.create(probe, [])
        guard unlink(probe) == 0 else { throw .system("remove", probe) }
    }

    /// Renames are atomic within one file system only.
    private func checkFileSystem() throws(StoreError) {
        let temporary = try Disc.status(site.path(of: .scratch))
        for part in [FolderSite.Part.objects, .shards] {
            guard try Disc.status(site.path(of: part))?.st_dev == temporary?.st_dev else {
                throw StoreError(
                    .invalid,
                    "cannot use the object directory \(root): expected \(part.rawValue) and tmp on one file system, found two;"
                        + " mount the whole directory instead")
            }
        }
    }

    // MARK: Paths

    /// The absolute path of a file from its key.
    func absolutePath(of key: String) -> String { "\(root)/\(key)" }

    // MARK: Folders

    /// The folder that a key's file lies in, relative to the root.
    func folder(of key: String) -> String { key.split(separator: "/").dropLast().joined(separator: "/") }

    /// Makes the folder of a key and those above it, durably; cheap once this process has seen it.
    func makeFolder(of key: String) throws(StoreError) {
        var folder = root
        for part in key.split(separator: "/").dropLast() {
            folder += "/\(part)"
            if folders.knows(folder) { continue }
            try Disc.makeFolder(folder, in: root)
            folders.add(folder)
        }
    }

    /// Moves a synced temporary file to its name, making the folder where it is missing.
    func move(_ temporary: String, to key: String) throws(StoreError) {
        try makeFolder(of: key)
        do {
            try Disc.move(temporary, absolutePath(of: key))
        } catch  where error.code == .missing {
            // Somebody removed a folder that this process had seen.
            folders.forget()
            try makeFolder(of: key)
            try Disc.move(temporary, absolutePath(of: key))
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
