// The folder of an export: made within its destination, and moved into place there when it is complete.

import Files
import Foundation

/// An export under construction, in `DIR/.detdiffusion-export` within its destination `DIR`; locked, so that two runs do
/// not mix.
///
/// The destination itself is never moved or removed: it may be a mount point or the current folder. An export that
/// fails leaves it as it was. One that was killed leaves its work folder; the next one to the same destination undoes
/// what was half done, or completes it. The steps of ``commit()``, each a rename within one file system:
/// the earlier export's entries go to `old`; `old` becomes `replaced`; the new entries come, their marker last.
///
/// Everything is reached from the destination's descriptor and nothing is followed. What is removed or replaced is what
/// an export writes (``ExportForm/foreignEntry(in:job:)``), judged again after it has been moved out of everybody's way;
/// an entry never comes over one that is there.
final class ExportFolder {
    /// The name of the work folder.
    static let workName = ".detdiffusion-export"
    private static let newName = "new"
    private static let oldName = "old"
    private static let replacedName = "replaced"

    /// Where the export will be.
    let destination: String
    /// Where it is written.
    let partial: Folder
    private let form: ExportForm
    private let root: Folder
    private let lock: FolderLock
    /// Whether the destination was made for this export.
    private let isMade: Bool
    /// Asked before each rename; false lets it fail with EIO, for tests.
    var mayMove: () -> Bool = { true }

    private var work: Folder { lock.folder }

    /// Begins an export.
    ///
    /// Throws ``ExportError`` with code `destination` when something stands there that is not an earlier export of this
    /// form, or another run writes to it.
    init(_ destination: String, form: ExportForm) throws(ExportError) {
        let url = URL(fileURLWithPath: destination).standardizedFileURL.resolvingSymlinksInPath()
        self.destination = url.path
        self.form = form
        isMade = !FileManager.default.fileExists(atPath: url.path)
        if isMade { try Self.makeDestination(url.path) }
        do { root = try Folder(path: url.path) } catch {
            throw error.kind == .unexpected ? .foreign(url.path, error.reason) : .system(error)
        }
        try Self.refuseForeign(root, form: form)
        lock = try FolderLock(Self.workName, in: root)
        let work = lock.folder
        try ExportRecovery(form: form, root: root, work: work, mayMove: { true }).run()
        try Self.refuseForeign(root, form: form)
        partial = try Self.filing { () throws(FileFailure) in
            try work.removeTree(Self.newName)
            return try work.makeFolder(Self.newName)
        }
    }

    /// Makes a folder of the export.
    func makeFolder(_ name: String) throws(ExportError) -> Folder {
        try Self.filing { () throws(FileFailure) in try partial.makeFolder(name) }
    }

    /// Puts the finished export in its place, instead of an earlier one there.
    func commit() throws(ExportError) {
        try sync()
        // What came there meanwhile is not removed either.
        try Self.refuseForeign(root, form: form)
        do {
            try exchange()
        } catch {
            do { try recovery.run() } catch let second {
                throw ExportError(
                    .destination,
                    "\(error), and the earlier export cannot be put back (\(second)); it is kept in \(work.path), and the next "
                        + "export to the same folder puts it back")
            }
            throw error
        }
        try sync()
        try Self.filing(removeWork)
    }

    /// By the folder that is locked, and not by a name that somebody may have given to another one.
    private func removeWork() throws(FileFailure) {
        try work.removeContents()
        try root.removeFolder(Self.workName)
    }

    /// Removes what was written; for exports that failed.
    func discard() {
        // What cannot be removed now, the next run removes; an earlier export that could not be put back stays.
        let isKept = [Self.oldName, Self.replacedName].contains { (try? work.kind(of: $0)) != nil }
        if !isKept { try? removeWork() }
        if isMade { rmdir(destination) }
    }

    private var recovery: ExportRecovery { ExportRecovery(form: form, root: root, work: work, mayMove: mayMove) }

    private func sync() throws(ExportError) {
        do { try FileSystemSync.sync(work.descriptor, path: destination) } catch { throw .system(error) }
    }

    private func exchange() throws(ExportError) {
        let old = try Self.filing { () throws(FileFailure) in try work.makeFolder(Self.oldName) }
        // The marker goes first: what is left is no export.
        for name in form.ordered(try recovery.present()).reversed() { try recovery.move(name, from: root, to: old) }
        // Nobody finds it by its old path any more: what was put there since the first look is seen now.
        if let moved = try Self.filing({ () throws(FileFailure) in try old.entries() }).first {
            guard let job = form.head(in: old)?.job else {
                throw .foreign(destination, "'\(moved.name)' that came meanwhile")
            }
            if let found = try form.foreignEntry(in: old, job: job) { throw .foreign(destination, found) }
        }
        try recovery.move(Self.oldName, from: work, to: work, as: Self.replacedName)
        let names = try Self.filing { () throws(FileFailure) in try partial.entries() }.map(\.name)
        for name in form.ordered(names) { try recovery.move(name, from: partial, to: root) }
    }

    private static func makeDestination(_ path: String) throws(ExportError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ExportError(.destination, "cannot create the folder \(path): \(error.localizedDescription)")
        }
    }

    /// Throws unless nothing, an empty folder, or an earlier export of this form and nothing else is there; what a
    /// killed export left, and the `lost+found` of a file system that is mounted there, are nothing.
    private static func refuseForeign(_ root: Folder, form: ExportForm) throws(ExportError) {
        let entries = try filing { () throws(FileFailure) in try root.entries() }
            .filter { $0.name != workName && $0.name != "lost+found" }
        // A killed export may have left half of its entries; they are judged and put right before anything is written.
        guard let first = entries.first, try !isExchanging(root) else { return }
        guard let head = form.head(in: root) else {
            throw .foreign(root.path, "a folder with '\(first.name)' and no \(form.marker) of an export")
        }
        if let found = try form.foreignEntry(in: root, job: head.job) { throw .foreign(root.path, found) }
    }

    /// Whether an exchange in the work folder was cut short.
    private static func isExchanging(_ root: Folder) throws(ExportError) -> Bool {
        try filing { () throws(FileFailure) in
            guard try root.kind(of: workName) == .folder else { return false }
            let work = try root.folder(workName)
            if try work.kind(of: oldName) != nil { return true }
            return try work.kind(of: replacedName) != nil
        }
    }

    /// Gives failures of the file system their place among the exports' errors.
    static func filing<Value>(_ body: () throws(FileFailure) -> Value) throws(ExportError) -> Value {
        do { return try body() } catch { throw .system(error) }
    }
}

extension ExportError {
    /// Something stands at the destination that no export wrote.
    static func foreign(_ path: String, _ found: String) -> ExportError {
        ExportError(
            .destination,
            "cannot export to \(path): expected nothing or an earlier export there, found \(found); "
                + "choose another folder or move that away")
    }
}
