// A folder that is a store, or may become one.

import Files
import Foundation

/// A folder as the place of a store.
public struct FolderSite: StoreSite, Hashable {
    /// The folder, an absolute path without a slash at its end.
    public let root: String
    /// The root.
    public var place: String { root }

    /// Names a folder, which need not be there.
    public init(_ path: String) { root = Self.absolute(path) }

    /// `path` as an absolute path without a slash at its end.
    static func absolute(_ path: String) -> String {
        let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
        return absolute.count > 1 && absolute.hasSuffix("/") ? String(absolute.dropLast()) : absolute
    }

    /// The folders of a store in it.
    public enum Part: String, CaseIterable, Sendable {
        case objects, shards
        /// Files in the making.
        case scratch = "tmp"
    }

    /// Where one of its folders is or would be.
    public func path(of part: Part) -> String { "\(root)/\(part.rawValue)" }

    private var file: String { "\(root)/\(StoreIdentity.fileName)" }

    /// What the identity file in the folder says; `nil` without one.
    ///
    /// Throws as ``StoreSite/identity()`` does.
    public func identity() throws(StoreError) -> StoreIdentity? {
        do throws(StoreError) {
            return try StoreIdentity(
                decoding: try Disc.read(file, size: nil, limit: StoreIdentity.sizeLimit), file: file)
        } catch  where error.code == .missing || error.code == .other(ENOTDIR) {
            return nil
        } catch  where error.code == .corrupt {
            throw .noIdentity(file, found: "something else (\(error))")
        }
    }

    /// The folder is made where it is missing.
    @discardableResult
    public func claim(for identity: StoreIdentity) throws(StoreError) -> Bool {
        do {
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        } catch {
            throw StoreError(.invalid, "cannot create the object directory \(root): \(error.localizedDescription)")
        }
        if try isThere(identity) { return false }
        let temporary = "\(root)/.\(StoreIdentity.fileName)-\(UInt64.random(in: .min ... .max))"
        try Disc.create(temporary, identity.encoded)
        defer { unlink(temporary) }
        try Disc.sync(temporary)
        // A link never replaces what is there, and it is whole at once.
        if link(temporary, file) != 0 {
            if errno == EEXIST { return try !isThere(identity) }
            guard [EPERM, ENOTSUP, ENOSYS].contains(errno) else { throw .system("create", file) }
            try Disc.move(temporary, file)
        }
        try Disc.sync(root)
        return true
    }

    private func isThere(_ identity: StoreIdentity) throws(StoreError) -> Bool {
        guard let found = try self.identity() else { return false }
        guard found.isSame(as: identity) else { throw .foreign(root, expected: identity, found: found) }
        return true
    }

    /// What else is in the folder tells nothing: a fresh file system is not empty.
    public func isEmpty() throws(StoreError) -> Bool {
        for path in [path(of: .objects), path(of: .shards)] {
            guard let status = try Disc.status(path) else { continue }
            guard EntryKind(status) == .folder else { return false }
            do throws(FileFailure) {
                guard try Folder(path: path).entries().isEmpty else { return false }
            } catch {
                throw .reading(error.action, error.path, number: error.number)
            }
        }
        return true
    }

    /// Whether a regular file of this size lies under the name's key.
    public func holds(_ name: StoreName, size: Int) throws(StoreError) -> Bool {
        try Disc.size("\(root)/\(name.key)") == size
    }

    /// Opens the store of a catalogue, as ``StoreSite/open(of:for:)`` has it: for writing also only where folders can be made
    /// and written, and where `tmp` lies on the file system of the rest.
    public func open(of identity: StoreIdentity, for use: StoreUse) throws(StoreError) -> any ObjectStore {
        try FolderStore(root: root, of: identity, for: use)
    }
}
