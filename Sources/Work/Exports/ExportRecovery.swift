// Putting right what an export left that was cut short amid its exchange.

import Files
import Foundation

/// Undoes an exchange that was cut short, or removes what one that had come to its end had replaced.
struct ExportRecovery {
    let form: ExportForm
    let root: Folder
    let work: Folder
    /// Asked before each rename; false lets it fail with EIO.
    let mayMove: () -> Bool

    /// Throws ``ExportError`` with code `destination` where something stands in the way that no export wrote; nothing of
    /// it is touched.
    func run() throws(ExportError) {
        if try folder("replaced") != nil {
            let hasNewMarker = try hasNewMarker()
            if !hasNewMarker, form.head(in: root) != nil { return try remove("replaced", from: work) }
            try removeNewEntries()
            try move("replaced", from: work, to: work, as: "old")
        }
        guard let old = try folder("old") else { return }
        let entries = try ExportFolder.filing { () throws(FileFailure) in try old.entries() }
        if let entry = entries.first(where: { !form.owns($0) }) {
            throw .foreign(root.path, "'\(ExportFolder.workName)/old/\(entry.name)', \(entry.kind)")
        }
        for name in form.ordered(entries.map(\.name)) { try move(name, from: old, to: root) }
        try remove("old", from: work)
    }

    /// The entries of an export at the destination.
    func present() throws(ExportError) -> [String] {
        try ExportFolder.filing { () throws(FileFailure) in try root.entries() }.filter(form.owns).map(\.name)
    }

    func move(_ name: String, from: Folder, to: Folder, as other: String? = nil) throws(ExportError) {
        let other = other ?? name
        guard mayMove() else {
            throw .system(FileFailure("rename \(from.path(of: name)) to", to.path(of: other), number: EIO))
        }
        try ExportFolder.filing { () throws(FileFailure) in try from.move(name, to: to, as: other) }
    }

    /// Removes what an exchange had brought to the destination. Its marker comes last, so it is still in the work folder
    /// and says which job's images are the export's own.
    private func removeNewEntries() throws(ExportError) {
        let names = try present()
        guard !names.isEmpty else { return }
        guard let new = try folder("new"), let head = form.head(in: new) else {
            throw .foreign(root.path, "'\(names[0])' beside \(ExportFolder.workName)/replaced")
        }
        if let found = try form.foreignEntry(in: root, job: head.job) { throw .foreign(root.path, found) }
        for name in names { try remove(name, from: root) }
    }

    private func hasNewMarker() throws(ExportError) -> Bool {
        guard let new = try folder("new") else { return false }
        return try ExportFolder.filing { () throws(FileFailure) in try new.kind(of: form.marker) } != nil
    }

    /// A folder in the work folder; `nil` when it is not there. What is no folder is refused.
    private func folder(_ name: String) throws(ExportError) -> Folder? {
        try ExportFolder.filing { () throws(FileFailure) in
            guard try work.kind(of: name) != nil else { return nil }
            return try work.folder(name)
        }
    }

    private func remove(_ name: String, from folder: Folder) throws(ExportError) {
        try ExportFolder.filing { () throws(FileFailure) in try folder.removeTree(name) }
    }
}
