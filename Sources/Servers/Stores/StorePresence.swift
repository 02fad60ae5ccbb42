// Whether the folder under a path is still the object directory that was opened.

import Foundation
import Synchronization

/// Looks for the identity file again and again: a file system that was unmounted leaves an empty folder behind, another
/// one may be mounted in its place.
///
/// Where the file is the one that was read before, by device, number, size and time, it is not read again; that costs
/// one look-up.
final class StorePresence: Sendable {
    private let root: String
    private let identity: StoreIdentity
    private let known = Mutex<Stamp?>(nil)

    init(root: String, identity: StoreIdentity) {
        self.root = root
        self.identity = identity
    }

    /// Throws `.away` when there is no identity file, and `.foreign` when it is another catalogue's.
    ///
    /// What is no regular file is no identity file.
    func confirm() throws(StoreError) {
        guard let status = try Disc.status("\(root)/\(StoreIdentity.fileName)") else {
            throw away()
        }
        let stamp = Stamp(status)
        if known.withLock({ $0 == stamp }) { return }
        guard let found = try FolderSite(root).identity() else { throw away() }
        guard found.isSame(as: identity) else { throw .foreign(root, expected: identity, found: found) }
        known.withLock { $0 = stamp }
    }

    private func away() -> StoreError {
        .away(
            root, expected: identity,
            found: access(root, F_OK) == 0 ? "no file '\(StoreIdentity.fileName)' in it" : "nothing there")
    }

    /// Runs `body` between two looks: what was written in between lies in the object directory, and not in the folder
    /// under it.
    func guarding<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        try confirm()
        let value = try body()
        try confirm()
        return value
    }

    /// Looks again where `body` says `nil`, as for a file that is not there: that says nothing while the whole object
    /// directory is not there either.
    func looking<Value>(_ body: () throws(StoreError) -> Value?) throws(StoreError) -> Value? {
        if let value = try body() { return value }
        try confirm()
        return try body()
    }

    /// Looks again where `body` throws `.missing`.
    func reading<Value>(_ body: () throws(StoreError) -> Value) throws(StoreError) -> Value {
        do throws(StoreError) {
            return try body()
        } catch  where error.code == .missing {
            try confirm()
            return try body()
        }
    }
}

/// What tells one identity file from another without reading it.
private struct Stamp: Equatable {
    private let device: UInt64
    private let number: UInt64
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
        size = Int64(status.st_size)
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
    }
}
