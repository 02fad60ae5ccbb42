// The folder of an export: made within its destination, and moved into place there when it is complete.

import Files
import Foundation
import Layouts
import Tasks

/// An export under construction, in `DIR/.detdiffusion-export` within its destination `DIR`; locked, so that two runs do
/// not mix.
///
/// The destination itself is never moved or removed: it may be a mount point or the current folder. An export that
/// fails leaves it as it was. One that was killed leaves its work folder; the next one to the same destination undoes
/// what was half done, or completes it. The steps of ``commit()``, each a rename within one file system:
/// the earlier export's entries go to `old`; `old` becomes `replaced`; the new entries come, their marker last.
final class ExportFolder {
    /// The name of the work folder.
    static let workName = ".detdiffusion-export"

    /// Where the export will be.
    let destination: String
    /// Where it is written.
    let partial: String
    private let form: ExportForm
    private let work: String
    private let lock: FolderLock
    /// Whether the destination was made for this export.
    private let isMade: Bool
    /// Moves an entry to another name; a test's own where it must fail.
    var move: (_ from: String, _ to: String) -> Int32 = { rename($0, $1) }

    private var old: String { "\(work)/old" }
    private var replaced: String { "\(work)/replaced" }

    /// Begins an export.
    ///
    /// Throws ``ExportError`` with code `destination` when something stands there that is not an earlier export of this
    /// form, or another run writes to it.
    init(_ destination: String, form: ExportForm) throws(ExportError) {
        let url = URL(fileURLWithPath: destination).standardizedFileURL.resolvingSymlinksInPath()
        self.destination = url.path
        self.form = form
        work = "\(url.path)/\(Self.workName)"
        partial = "\(work)/new"
        isMade = !FileManager.default.fileExists(atPath: url.path)
        try Self.refuseForeign(url.path, form: form)
        try Self.makeFolder(url.path, intermediate: true)
        lock = try FolderLock(work, naming: destination)
        try recover()
        try Self.remove(partial)
        try Self.makeFolder(partial)
    }

    /// Puts the finished export in its place, instead of an earlier one there.
    func commit() throws(ExportError) {
        try sync()
        // What came there meanwhile is not removed either.
        try Self.refuseForeign(destination, form: form)
        do {
            try exchange()
        } catch {
            do { try recover() } catch let second {
                throw ExportError(
                    .destination,
                    "\(error), and the earlier export cannot be put back (\(second)); it is kept in \(work), and the next "
                        + "export to the same folder puts it back")
            }
            throw error
        }
        try sync()
        try Self.remove(work)
    }

    /// Removes what was written; for exports that failed.
    func discard() {
        // What cannot be removed now, the next run removes; an earlier export that could not be put back stays.
        if !FileManager.default.fileExists(atPath: old), !FileManager.default.fileExists(atPath: replaced) {
            try? FileManager.default.removeItem(atPath: work)
        }
        if isMade { rmdir(destination) }
    }

    private func sync() throws(ExportError) {
        do { try FileSystemSync.sync(lock.descriptor, path: destination) } catch { throw .system(error) }
    }

    private func exchange() throws(ExportError) {
        try Self.makeFolder(old)
        // The marker goes first: what is left is no export.
        for name in form.ordered(try present()).reversed() { try move(name, from: destination, to: old) }
        guard move(old, replaced) == 0 else { throw .system("rename \(old) to", replaced) }
        for name in form.ordered(try Self.entries(partial)) { try move(name, from: partial, to: destination) }
    }

    /// Undoes an exchange that was cut short, or removes what one that had come to its end had replaced.
    private func recover() throws(ExportError) {
        if FileManager.default.fileExists(atPath: replaced) {
            let isComplete =
                !FileManager.default.fileExists(atPath: "\(partial)/\(form.marker)")
                && FileManager.default.fileExists(atPath: "\(destination)/\(form.marker)")
            if isComplete { return try Self.remove(replaced) }
            for name in try present() { try Self.remove("\(destination)/\(name)") }
            guard move(replaced, old) == 0 else { throw .system("rename \(replaced) to", old) }
        }
        guard FileManager.default.fileExists(atPath: old) else { return }
        for name in form.ordered(try Self.entries(old)) { try move(name, from: old, to: destination) }
        try Self.remove(old)
    }

    private func move(_ name: String, from: String, to: String) throws(ExportError) {
        guard move("\(from)/\(name)", "\(to)/\(name)") == 0 else {
            throw .system("rename \(from)/\(name) to", "\(to)/\(name)")
        }
    }

    /// The entries of an export at the destination.
    private func present() throws(ExportError) -> [String] { try Self.entries(destination).filter(form.owns) }
}

extension ExportFolder {
    static func makeFolder(_ path: String, intermediate: Bool = false) throws(ExportError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: intermediate)
        } catch {
            throw ExportError(.destination, "cannot create the folder \(path): \(error.localizedDescription)")
        }
    }

    /// Throws unless nothing, an empty folder, or an earlier export of this form and nothing else is at `path`; what a
    /// killed export left, and the `lost+found` of a file system that is mounted there, are nothing.
    private static func refuseForeign(_ path: String, form: ExportForm) throws(ExportError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue else { throw foreign(path, "a file") }
        let all = try entries(path)
        let names = all.filter { $0 != workName && $0 != "lost+found" }
        // A killed export may have left half of its entries; they are put right before anything is written.
        guard !names.isEmpty, !isExchanging("\(path)/\(workName)") else { return }
        let heads = form.markers.filter(names.contains).compactMap { ExportManifest.head(at: "\(path)/\($0)") }
        guard let head = heads.first(where: { $0.format == form.format }) else {
            throw foreign(path, "a folder with '\(names[0])' and no \(form.marker) of an export")
        }
        if let name = names.first(where: { !form.owns($0) }) { throw foreign(path, "'\(name)' in it") }
        guard form == .coco, names.contains("images") else { return }
        let images = ImageNames(job: head.job)
        // Earlier versions left the job's name out.
        let isOurs = { (name: String) in
            images.contain(name) || (name.hasSuffix(".png") && LayoutTask.isKey(name.dropLast(4)))
        }
        if let name = try entries("\(path)/images").first(where: { !isOurs($0) }) {
            throw foreign(path, "'images/\(name)' in it")
        }
    }

    /// Whether an exchange in this work folder was cut short.
    private static func isExchanging(_ work: String) -> Bool {
        ["old", "replaced"].contains { FileManager.default.fileExists(atPath: "\(work)/\($0)") }
    }

    private static func foreign(_ path: String, _ found: String) -> ExportError {
        ExportError(
            .destination,
            "cannot export to \(path): expected nothing or an earlier export there, found \(found); "
                + "choose another folder or move that away")
    }

    private static func entries(_ path: String) throws(ExportError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            throw ExportError(.destination, "cannot list \(path): \(error.localizedDescription)")
        }
    }

    private static func remove(_ path: String) throws(ExportError) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch CocoaError.fileNoSuchFile {
            return
        } catch {
            throw ExportError(.destination, "cannot remove \(path): \(error.localizedDescription)")
        }
    }
}
