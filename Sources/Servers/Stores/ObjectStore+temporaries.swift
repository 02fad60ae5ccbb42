// Files that were written under tmp/: giving them their name, and removing what crashes left.

import Failpoints
import Files
import Foundation

extension ObjectStore {
    /// Gives a finished temporary file its name: fsync, rename over what is there, fsync of the folder.
    ///
    /// - Parameters:
    ///   - temporary: a path from ``temporaryPath()`` with a whole file; it stays there when this throws.
    ///   - relativePath: below `shards/` or `objects/`, as ``path(ofShard:number:)`` gives it.
    ///
    /// Failpoints: `store.before-commit` between fsync and rename, `store.after-commit` between rename and
    /// the folder's fsync.
    public func commit(temporary: String, to relativePath: String) throws(StoreError) {
        let parts = relativePath.split(separator: "/", omittingEmptySubsequences: false)
        let isBelow = parts.count >= 2 && (parts[0] == "shards" || parts[0] == "objects")
        guard isBelow, !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            throw StoreError(
                .invalid,
                "cannot commit \(temporary) to '\(relativePath)': expected a plain path below shards/ or objects/")
        }
        guard temporary.hasPrefix("\(root)/tmp/"), !temporary.dropFirst(root.count + 5).contains("/") else {
            throw StoreError(
                .invalid, "cannot commit \(temporary) to '\(relativePath)': expected a file in \(root)/tmp")
        }
        try presence.guarding { () throws(StoreError) in
            try Disc.sync(temporary)
            Failpoint.hit("store.before-commit")
            try move(temporary, to: relativePath)
            Failpoint.hit("store.after-commit")
            try Disc.sync(absolutePath(of: folder(of: relativePath)))
        }
    }

    /// Files in `tmp/` that were last written longer ago than `age`, which crashes left: their number and bytes.
    ///
    /// Only what bears a name that a store gives is one of them. The file system's clock is compared with this host's: choose an age beyond any clock skew and any write, such as
    /// a day.
    /// - Parameter removing: false to look only.
    @discardableResult
    public func removeStaleTemporaries(
        olderThan age: Duration, removing: Bool = true
    ) throws(StoreError) -> (count: Int, bytes: Int) {
        let latest = Int(Date().timeIntervalSince1970) - Int(age.components.seconds)
        var stale = (count: 0, bytes: 0)
        guard let folder = try existingFolder("tmp") else { return stale }
        for entry in try entries(of: folder) where entry.kind == .file && TemporaryName.isOne(entry.name) {
            guard let status = try status(of: entry.name, in: folder), status.st_mtim.tv_sec < latest else { continue }
            if removing {
                try presence.confirm()
                guard try remove(entry.name, from: folder) else { continue }
            }
            stale.count += 1
            stale.bytes += Int(status.st_size)
        }
        return stale
    }
}

/// The names of files in `tmp/`, by which a store knows its own.
enum TemporaryName {
    private static let mark = "detdiffusion-"

    /// A new name: the mark, this process, and 64 random bits.
    static func make() -> String {
        let bits = String(UInt64.random(in: .min ... .max), radix: 16)
        let zeros = String(repeating: "0", count: 16 - bits.count)
        return "\(mark)\(ProcessInfo.processInfo.processIdentifier)-\(zeros)\(bits)"
    }

    /// Whether a store, an examination of one, or a store of a version that wrote no mark made this name.
    static func isOne(_ name: String) -> Bool {
        name.wholeMatch(of: /(detdiffusion-)?[0-9]{1,10}-[0-9a-f]{12,16}/) != nil
            || name.wholeMatch(of: /\.doctor-[0-9]{1,10}-[0-9]{1,10}(\.renamed)?/) != nil
    }
}
