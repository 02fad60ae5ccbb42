// Removing what a folder holds, whoever put it there.

import CFiles
import Foundation

/// A folder that is emptied: however deep it is, whatever rights its folders have, and without following anything
/// out of it.
///
/// What lies deeper is moved up before it is removed, so that neither the depth nor the length of a path counts, and a few
/// descriptors are enough.
public struct FolderContents {
    /// How many names are held at a time.
    private static let pieceLimit = 10_000

    private let path: String
    private let descriptor: Int32
    private let deadline: ContinuousClock.Instant?
    private var moved = 0

    /// Removes everything in the folder of `descriptor`, which stays.
    /// - Parameters:
    ///   - path: where it is, for errors.
    ///   - deadline: when to give up, where somebody may still be writing; never if nil.
    /// - Throws: ``FileFailure`` for the first thing that cannot be removed, of number ETIME at the deadline.
    public static func remove(
        from descriptor: Int32, path: String, deadline: ContinuousClock.Instant? = nil
    ) throws(FileFailure) {
        _ = fchmod(descriptor, 0o700)  // Where it fails, the calls that follow say what that means.
        var contents = FolderContents(descriptor, path: path, deadline: deadline)
        while true {
            let names = try Self.names(in: descriptor, path: path)
            if names.isEmpty { return }
            for name in names { try contents.remove(name) }
        }
    }

    private init(_ descriptor: Int32, path: String, deadline: ContinuousClock.Instant?) {
        self.descriptor = descriptor
        self.path = path
        self.deadline = deadline
    }

    private mutating func remove(_ name: [CChar]) throws(FileFailure) {
        if try unlink(name, in: descriptor) { return }
        let folder = try open(name)
        defer { close(folder) }
        for inner in try Self.names(in: folder, path: path) where try !unlink(inner, in: folder) {
            try lift(inner, from: folder)
        }
        // Somebody may have written into it meanwhile: the next look finds it again.
        guard unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || [ENOTEMPTY, EEXIST, ENOENT].contains(errno) else {
            throw failure("remove", name)
        }
    }

    /// Removes a file or an empty folder.
    /// - Returns: false for a folder that is not empty.
    private func unlink(_ name: [CChar], in folder: Int32) throws(FileFailure) -> Bool {
        guard deadline.map({ ContinuousClock.now < $0 }) ?? true else {
            throw FileFailure("remove what is in", path, number: ETIME)
        }
        if unlinkat(folder, name, 0) == 0 || errno == ENOENT { return true }
        let number = errno
        if unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return true }
        if errno == ENOTEMPTY || errno == EEXIST { return false }
        errno = errno == ENOTDIR ? number : errno
        throw failure("remove", name)
    }

    /// Moves a folder up under a name that nothing has.
    private mutating func lift(_ name: [CChar], from folder: Int32) throws(FileFailure) {
        while true {
            moved += 1
            let free = "removed-\(moved)"
            if renameat(folder, name, descriptor, free) == 0 || errno == ENOENT { return }
            switch errno {
            case EEXIST, ENOTEMPTY, ENOTDIR: continue
            case EACCES where permit(name, in: folder) && renameat(folder, name, descriptor, free) == 0: return
            default: throw failure("move", name)
            }
        }
    }

    private func open(_ name: [CChar]) throws(FileFailure) -> Int32 {
        let flags = O_RDONLY | O_DIRECTORY
        var opened = detdiffusion_open_beneath(descriptor, name, flags)
        if opened < 0, errno == EACCES, permit(name, in: descriptor) {
            opened = detdiffusion_open_beneath(descriptor, name, flags)
        }
        guard opened >= 0 else { throw failure("open", name) }
        _ = fchmod(opened, 0o700)
        return opened
    }

    /// Gives this user every right to a folder of theirs.
    private func permit(_ name: [CChar], in folder: Int32) -> Bool {
        fchmodat(folder, name, 0o700, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// The next names in a folder, as bytes: they need not be text.
    private static func names(in folder: Int32, path: String) throws(FileFailure) -> [[CChar]] {
        let listed = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard listed >= 0 else { throw FileFailure("open", path) }
        guard let stream = fdopendir(listed) else {
            let number = errno
            close(listed)
            throw FileFailure("list", path, number: number)
        }
        defer { closedir(stream) }
        var names: [[CChar]] = []
        while names.count < pieceLimit, let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) }
            }
            if name != dot, name != dot + dot { names.append(name + [0]) }
        }
        return names
    }

    private static let dot = [CChar(bitPattern: UInt8(ascii: "."))]

    /// The failure of the call that has just returned, from `errno`.
    private func failure(_ action: String, _ name: [CChar]) -> FileFailure {
        let number = errno
        let text = String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        return FileFailure(action, "\(path)/…/\(text)", number: number)
    }
}
