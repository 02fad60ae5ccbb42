// What lies in a folder's store: opening its files, and listing its folders. Nothing is followed.

import Files
import Foundation

extension FolderStore {
    func open(_ name: StoreName, size: Int?) throws(StoreError) -> any ByteReader {
        try regularFile(name, size: size)
    }

    func localFile(_ name: StoreName, size: Int?) throws(StoreError) -> RegularFile? {
        try regularFile(name, size: size)
    }

    private func regularFile(_ name: StoreName, size: Int?) throws(StoreError) -> RegularFile {
        do throws(StoreError) {
            return try presence.reading { () throws(StoreError) in
                try Disc.regularFile(absolutePath(of: name.key), size: size)
            }
        } catch  where error.code == .missing {
            // Without the folder of all objects it is not one of them that is missing.
            guard case .object = name, try existingFolder("objects") == nil else { throw error }
            throw StoreError(
                .away, "cannot read \(root)/objects: expected the folder of all images, found none",
                fix: "mount the object directory")
        }
    }

    func entry(_ name: StoreName) throws(StoreError) -> StoreEntry? {
        let status = try presence.looking { () throws(StoreError) in try Disc.status(absolutePath(of: name.key)) }
        guard let status else { return nil }
        let (kind, age) = (EntryKind(status), Self.age(of: status))
        return kind == .file ? StoreEntry(size: Int(status.st_size), age: age) : StoreEntry("\(kind)", age: age)
    }

    func children(of prefix: String) throws(StoreError) -> [StoreChild] {
        guard let folder = try existingFolder(prefix) else { return [] }
        var children: [StoreChild] = []
        for entry in try Self.entries(of: folder) {
            let content: StoreChild.Content
            switch entry.kind {
            case .folder: content = .prefix
            case .file:
                guard let status = try Self.status(of: entry.name, in: folder) else {
                    // It has gone meanwhile, unless its name is no text and cannot be asked for.
                    if entry.name.contains("\u{FFFD}") {
                        children.append(StoreChild(name: entry.name, content: .other))
                    }
                    continue
                }
                content = .file(size: Int(status.st_size), age: Self.age(of: status))
            case .link, .pipe, .device, .other: content = .other
            }
            children.append(StoreChild(name: entry.name, content: content))
        }
        return children
    }

    /// Opens a folder of the store, whatever was mounted or unmounted meanwhile.
    func existingFolder(_ path: String) throws(StoreError) -> Folder? {
        let folder = try presence.looking { () throws(StoreError) in try openFolder(path) }
        // What lies in a mount point is not what lies in the store.
        try presence.confirm()
        return folder
    }

    /// Opens a folder below the root step by step, following nothing; `nil` when a step is missing or no folder.
    func openFolder(_ path: String) throws(StoreError) -> Folder? {
        do throws(FileFailure) {
            var folder = try Folder(path: root, following: true)
            for step in path.split(separator: "/") { folder = try folder.folder(String(step)) }
            return folder
        } catch {
            guard error.kind == .missing || error.kind == .unexpected else {
                throw .reading(error.action, error.path, number: error.number)
            }
            return nil
        }
    }

    /// A folder's entries, sorted.
    static func entries(of folder: Folder) throws(StoreError) -> [Folder.Entry] {
        do { return try folder.entries() } catch { throw .reading(error.action, error.path, number: error.number) }
    }

    /// What the system knows of an entry of an open folder; `nil` when nothing is there.
    static func status(of name: String, in folder: Folder) throws(StoreError) -> stat? {
        do { return try folder.status(of: name) } catch {
            throw .reading(error.action, error.path, number: error.number)
        }
    }
}
