// The folder of an export: made beside its destination, and moved there when it is complete.

import Foundation

/// What kinds of export folders there are, and what each of them may hold.
enum ExportForm: String {
    case coco
    case webdataset

    /// What the marker's key `format` says.
    var format: String { "detdiffusion.export.\(rawValue).v1" }

    /// The file that says that a folder is an export: an ``ExportManifest``.
    var marker: String {
        switch self {
        case .coco: "export.json"
        case .webdataset: "index.json"
        }
    }

    /// Whether an export has an entry of this name.
    func owns(_ name: String) -> Bool {
        switch self {
        case .coco: ["images", "annotations.json", marker].contains(name)
        case .webdataset: name == marker || name.wholeMatch(of: /[A-Za-z0-9._\-]+-[0-9]{6,}\.tar/) != nil
        }
    }

    /// Whether the folder `images` of an export has an entry of this name.
    static func ownsImage(_ name: String) -> Bool { name.wholeMatch(of: /[0-9]{12,}-[0-9]+\.png/) != nil }
}

/// An export under construction, at `.NAME.partial` beside its destination; locked, so that two runs do not mix.
///
/// A run that was killed leaves its partial folder, and the next one to the same destination removes it.
final class ExportFolder {
    /// Where the export will be.
    let destination: String
    /// Where it is written.
    let partial: String
    private let form: ExportForm
    /// Moves a folder to another name; a test's own where it must fail.
    var move: (_ from: String, _ to: String) -> Int32 = { rename($0, $1) }
    /// Where an earlier export waits while the new one takes its place.
    private var replaced: String { "\(partial)-replaced" }
    private let lock: Int32

    /// Begins an export.
    ///
    /// Throws ``ExportError`` with code `destination` when something stands there that is not an earlier export of this
    /// form, or another run writes to it.
    init(_ destination: String, form: ExportForm) throws(ExportError) {
        let url = URL(fileURLWithPath: destination).standardizedFileURL.resolvingSymlinksInPath()
        self.destination = url.path
        self.form = form
        let parent = url.deletingLastPathComponent().path
        partial = "\(parent)/.\(url.lastPathComponent).partial"
        try Self.refuseForeign(url.path, form: form)
        try Self.makeFolder(parent, intermediate: true)
        if mkdir(partial, 0o755) != 0, errno != EEXIST { throw .system("create the folder", partial) }
        lock = open(partial, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0 else { throw .system("open", partial) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw ExportError(
                .destination, "cannot export to \(destination): another export writes there now; wait for it")
        }
        for name in try Self.entries(partial) { try Self.remove("\(partial)/\(name)") }
        try putBackReplaced()
    }

    deinit { close(lock) }

    /// Puts the finished folder in its place, instead of an earlier export there.
    func commit() throws(ExportError) {
        // One call for the thousands of files of an export; each by itself would take a disc sync.
        sync()
        // What came there meanwhile is not removed either.
        try Self.refuseForeign(destination, form: form)
        try putBackReplaced()
        let replaces = FileManager.default.fileExists(atPath: destination)
        if replaces, move(destination, replaced) != 0 { throw .system("move aside", destination) }
        guard move(partial, destination) == 0 else {
            let failure = ExportError.system("rename \(partial) to", destination)
            guard replaces, move(replaced, destination) != 0 else { throw failure }
            throw ExportError(
                .destination,
                "\(failure), and the earlier export cannot be moved back (\(String(cString: strerror(errno)))); it is kept "
                    + "at \(replaced), and the next export to the same folder puts it back")
        }
        try Self.remove(replaced)
    }

    /// Removes what an interrupted commit had replaced, or puts it back where nothing took its place: then it is the
    /// only export there is.
    private func putBackReplaced() throws(ExportError) {
        guard FileManager.default.fileExists(atPath: replaced) else { return }
        if FileManager.default.fileExists(atPath: "\(destination)/\(form.marker)") { return try Self.remove(replaced) }
        guard move(replaced, destination) == 0 else {
            throw .system("put the earlier export \(replaced) back to", destination)
        }
        try Self.refuseForeign(destination, form: form)
    }

    /// Removes what was written; for exports that failed.
    func discard() {
        // What cannot be removed now, the next run removes.
        try? FileManager.default.removeItem(atPath: partial)
    }

    static func makeFolder(_ path: String, intermediate: Bool = false) throws(ExportError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: intermediate)
        } catch {
            throw ExportError(.destination, "cannot create the folder \(path): \(error.localizedDescription)")
        }
    }

    /// Throws unless nothing, an empty folder, or an earlier export of this form and nothing else is at `path`.
    private static func refuseForeign(_ path: String, form: ExportForm) throws(ExportError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return }
        guard isFolder.boolValue else { throw foreign(path, "a file") }
        let names = try entries(path)
        guard !names.isEmpty else { return }
        guard names.contains(form.marker), ExportManifest.format(at: "\(path)/\(form.marker)") == form.format else {
            throw foreign(path, "a folder with '\(names[0])' and no \(form.marker) of an export")
        }
        if let name = names.first(where: { !form.owns($0) }) { throw foreign(path, "'\(name)' in it") }
        guard form == .coco, names.contains("images") else { return }
        if let name = try entries("\(path)/images").first(where: { !ExportForm.ownsImage($0) }) {
            throw foreign(path, "'images/\(name)' in it")
        }
    }

    private static func foreign(_ path: String, _ found: String) -> ExportError {
        ExportError(
            .destination,
            "cannot export to \(path): expected nothing or an earlier export there, found \(found); "
                + "choose another folder or move that away"
        )
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
