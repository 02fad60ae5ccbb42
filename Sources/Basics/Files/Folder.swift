// Folders in which somebody else may plant links: everything in them is reached from an open descriptor.

import CFiles
public import Foundation

/// An open folder; closed when it goes away.
///
/// What is in it is named by single names and reached from the descriptor, so that the folder stays the one that was
/// opened, whatever is renamed above it. No symbolic link in it is followed: it is an entry like others. Calls block on
/// the disc and throw ``FileFailure``, of kind `unexpected` where something else stands there than was asked for.
public final class Folder {
    /// One name in a folder.
    public struct Entry: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// What it is.
        public let kind: EntryKind
    }

    /// Where it was when it was opened.
    public let path: String
    /// Open for reading.
    public let descriptor: Int32

    /// Opens the folder at `path`; a symbolic link at the path's end is refused.
    /// - Parameter following: whether such a link stands for the folder that it points to.
    public convenience init(path: String, following: Bool = false) throws(FileFailure) {
        try self.init(at: AT_FDCWD, name: path, path: path, following: following)
    }

    private init(at folder: Int32, name: String, path: String, following: Bool = false) throws(FileFailure) {
        self.path = path
        descriptor = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (following ? 0 : O_NOFOLLOW))
        guard descriptor >= 0 else {
            let failure = FileFailure("open the folder", path)
            var status = stat()
            guard [ELOOP, ENOTDIR].contains(failure.number), fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0
            else { throw failure }
            throw FileFailure("open the folder", path, expected: "a folder", found: "\(EntryKind(status))")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Where an entry is, for messages.
    public func path(of name: String) -> String { "\(path)/\(name)" }

    /// Opens a folder in it.
    public func folder(_ name: String) throws(FileFailure) -> Folder {
        try Folder(at: descriptor, name: name, path: path(of: name))
    }

    /// Makes a folder in it and opens it; an entry of that name is an error.
    public func makeFolder(_ name: String) throws(FileFailure) -> Folder {
        guard mkdirat(descriptor, name, 0o755) == 0 else { throw FileFailure("create the folder", path(of: name)) }
        return try folder(name)
    }

    /// Opens a regular file in it.
    /// - Parameter size: the bytes that it must have; any if `nil`.
    public func file(_ name: String, size: Int? = nil) throws(FileFailure) -> RegularFile {
        try RegularFile(at: descriptor, name: name, path: path(of: name), size: size, following: false)
    }

    /// What the system knows of an entry; `nil` when nothing is there.
    public func status(of name: String) throws(FileFailure) -> stat? {
        var status = stat()
        if fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return status }
        guard errno == ENOENT else { throw FileFailure("look at", path(of: name)) }
        return nil
    }

    /// What an entry is; `nil` when nothing is there.
    public func kind(of name: String) throws(FileFailure) -> EntryKind? { try status(of: name).map(EntryKind.init) }

    /// Its entries, sorted by name. The listing says what they are, so that costs nothing more.
    public func entries() throws(FileFailure) -> [Entry] {
        // Closed with the listing, and at its beginning whatever was listed before.
        let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw FileFailure("list", path) }
        guard let listing = fdopendir(own) else {
            let failure = FileFailure("list", path)
            close(own)
            throw failure
        }
        defer { closedir(listing) }
        var entries: [Entry] = []
        while true {
            errno = 0
            guard let entry = readdir(listing) else { break }
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name == "." || name == ".." { continue }
            // An entry that has gone meanwhile is none.
            let listed = EntryKind(listed: entry.pointee.d_type)
            guard let kind = listed == nil ? try kind(of: name) : listed else { continue }
            entries.append(Entry(name: name, kind: kind))
        }
        guard errno == 0 else { throw FileFailure("list", path) }
        return entries.sorted { $0.name < $1.name }
    }

    /// Moves an entry to a name in another folder of the same file system, which must be free.
    public func move(_ name: String, to folder: Folder, as other: String) throws(FileFailure) {
        guard detdiffusion_rename_new(descriptor, name, folder.descriptor, other) == 0 else {
            throw FileFailure("rename \(path(of: name)) to", folder.path(of: other))
        }
    }

    /// Gives an open file another name in this folder, on the same file system.
    ///
    /// Throws a failure of kind `unexpected` where something else stands in the file's place by now.
    public func link(_ file: RegularFile, as name: String) throws(FileFailure) {
        guard linkat(AT_FDCWD, file.path, descriptor, name, 0) == 0 else {
            throw FileFailure("link \(file.path) to", path(of: name))
        }
        var held = stat()
        guard fstat(file.descriptor, &held) == 0 else { throw FileFailure("look at", file.path) }
        guard let made = try status(of: name), made.st_ino == held.st_ino, made.st_dev == held.st_dev else {
            try remove(name)
            throw FileFailure("link", file.path, expected: "the file that was opened there", found: "another one")
        }
    }

    /// Removes an entry that is no folder; a symbolic link goes, and not what it points to.
    /// - Returns: false when nothing was there.
    @discardableResult
    public func remove(_ name: String) throws(FileFailure) -> Bool {
        if unlinkat(descriptor, name, 0) == 0 { return true }
        guard errno == ENOENT else { throw FileFailure("remove", path(of: name)) }
        return false
    }
}
