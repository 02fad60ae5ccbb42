// Files in the making: where they are written before a store takes them, and removing what crashes left.

import Files
import Foundation

/// A file that is written to be published; nothing is there until its user creates it.
public struct ScratchFile: Hashable, Sendable {
    /// Where it is, absolute.
    public let path: String
}

/// A folder of this host for files in the making. Several processes may share one.
public struct ScratchFolder: Hashable, Sendable {
    /// Where it is, absolute.
    public let path: String

    /// The system's folder for temporary files: `TMPDIR`, or `/tmp`.
    public static var system: ScratchFolder { ScratchFolder(absolute: NSTemporaryDirectory()) }

    /// Takes a folder that is there.
    init(absolute path: String) { self.path = FolderSite.absolute(path) }

    /// Makes the folder where it is missing, and tries it.
    ///
    /// Throws ``StoreError`` when files cannot be made there.
    public init(path: String) throws(StoreError) {
        self.init(absolute: path)
        do {
            try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
        } catch {
            throw StoreError(
                .invalid, "cannot create the scratch folder \(self.path): \(error.localizedDescription)",
                fix: "name another one")
        }
        let probe = newFile().path
        try Disc.create(probe, [])
        guard unlink(probe) == 0 else { throw .system("remove", probe) }
    }

    /// A new file that no other process uses.
    public func newFile() -> ScratchFile { ScratchFile(path: "\(path)/\(ScratchName.make())") }

    /// Removes this user's files that were last written longer ago than `age`: crashes left them.
    ///
    /// Only what bears a name that ``newFile()`` gives is one of them, since the folder may hold other things of this user's.
    /// Choose an age beyond any write, such as a day.
    @discardableResult
    public func removeStale(olderThan age: Duration) throws(StoreError) -> (count: Int, bytes: Int) {
        let folder: Folder
        do { folder = try Folder(path: path, following: true) } catch { throw .noFolder(error) }
        return try Self.removeStale(in: folder, olderThan: age) { () throws(StoreError) in
            true
        } isNamed: {
            ScratchName.isMarked($0)
        } isOurs: {
            $0.st_uid == geteuid()
        }
    }

    /// Removes what crashes left in a folder, or counts it.
    /// - Parameters:
    ///   - mayRemove: asked before each removal; false to count only.
    ///   - isNamed: whether a name is one of those that are meant.
    ///   - isOurs: whether a file is.
    static func removeStale(
        in folder: Folder, olderThan age: Duration, _ mayRemove: () throws(StoreError) -> Bool,
        isNamed: (String) -> Bool = ScratchName.isOne, isOurs: (stat) -> Bool = { _ in true }
    ) throws(StoreError) -> (count: Int, bytes: Int) {
        let latest = Int(Date().timeIntervalSince1970) - Int(age.components.seconds)
        var stale = (count: 0, bytes: 0)
        for entry in try FolderStore.entries(of: folder) where entry.kind == .file && isNamed(entry.name) {
            guard let status = try FolderStore.status(of: entry.name, in: folder), status.st_mtim.tv_sec < latest,
                isOurs(status)
            else { continue }
            if try mayRemove(), try !FolderStore.remove(entry.name, from: folder) { continue }
            stale.count += 1
            stale.bytes += Int(status.st_size)
        }
        return stale
    }
}

/// The names of files in the making, by which a store knows its own.
enum ScratchName {
    private static let mark = "detdiffusion-"

    /// A new name: the mark, this process, and 64 random bits.
    static func make() -> String {
        let bits = String(UInt64.random(in: .min ... .max), radix: 16)
        let zeros = String(repeating: "0", count: 16 - bits.count)
        return "\(mark)\(ProcessInfo.processInfo.processIdentifier)-\(zeros)\(bits)"
    }

    /// Whether ``make()`` made this name.
    static func isMarked(_ name: String) -> Bool {
        name.wholeMatch(of: /detdiffusion-[0-9]{1,10}-[0-9a-f]{16}/) != nil
    }

    /// Whether a store, an examination of one, or a store of a version that wrote no mark made this name.
    static func isOne(_ name: String) -> Bool {
        name.wholeMatch(of: /(detdiffusion-)?[0-9]{1,10}-[0-9a-f]{12,16}/) != nil
            || name.wholeMatch(of: /\.doctor-[0-9]{1,10}-[0-9]{1,10}(\.renamed)?/) != nil
    }
}
