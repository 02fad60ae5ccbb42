// The folders of a generator program: one of its own, and one in it for each batch.

import Files
import Foundation

/// A folder that exists as long as this object does.
///
/// Its descriptor is opened before the program knows of it, so whatever the program puts in its place later, files are
/// read from the folder that was made.
final class ProgramFolder {
    /// Absolute, without symbolic links.
    let path: String
    let descriptor: Int32
    private let report: @Sendable (String) -> Void

    /// How long removing it may take: a program that lives may go on writing.
    private static let removalLimit = Duration.seconds(30)

    /// Makes a folder that only this user enters.
    /// - Parameter report: told when the folder cannot be removed.
    init(in parent: String, name: String, report: @escaping @Sendable (String) -> Void) throws(ProgramError) {
        let made = parent + "/" + name
        guard unsafe mkdir(made, 0o700) == 0 else { throw Self.failure("make the folder", made) }
        descriptor = unsafe open(made, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure("open the folder", made) }
        path = URL(fileURLWithPath: made).resolvingSymlinksInPath().path
        self.report = report
    }

    deinit {
        defer { close(descriptor) }
        do throws(FileFailure) {
            try Self.remove(descriptor, path: path, deadline: .now + Self.removalLimit)
        } catch {
            report("\(error.path): cannot \(error.action) it (\(error.reason)); remove it by hand")
        }
    }

    /// Removes the folder of `descriptor`, whatever is in it and wherever it stands by now.
    static func remove(
        _ descriptor: Int32, path: String, deadline: ContinuousClock.Instant
    ) throws(FileFailure) {
        try FolderContents.remove(from: descriptor, path: path, deadline: deadline)
        guard unsafe rmdir(path) == 0 || errno == ENOENT else { throw FileFailure("remove", path) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) != 0 || status.st_nlink == 0 else {
            throw FileFailure("find (it was moved, and emptied there)", path, number: ENOENT)
        }
    }

    /// The bytes of the plain file `name` in this folder itself.
    /// - Throws: ``LineRefusal`` for names that lead elsewhere, for links, for what is no file, and beyond `limit` bytes.
    func read(_ name: String, limit: Int) throws(LineRefusal) -> [UInt8] {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")), !name.utf8.contains(0)
        else {
            throw LineRefusal(
                "expected the name of a file in the batch's folder, without a path, found \(quoted(name))")
        }
        let file: Int32
        do {
            // A FIFO would hold up a blocking open forever, and so might a file system that the program mounted.
            file = try FolderEntry.open(name, in: descriptor, path: path, flags: O_RDONLY)
        } catch {
            let found =
                switch error.number {
                case ELOOP: "a symbolic link"
                case ENOENT: "no such file"
                case EXDEV: "something that is mounted there"
                default: error.reason
                }
            throw LineRefusal("file \(quoted(name)): expected an image file in the batch's folder, found \(found)")
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw LineRefusal("file \(quoted(name)): expected an image file, found something that is no plain file")
        }
        guard status.st_size <= limit else {
            throw LineRefusal("file \(quoted(name)): expected at most \(limit) bytes, found \(status.st_size)")
        }
        return try contents(of: file, name: name, limit: limit)
    }

    private func contents(of file: Int32, name: String, limit: Int) throws(LineRefusal) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while bytes.count <= limit {
            let count = unsafe Foundation.read(file, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw LineRefusal("file \(quoted(name)): cannot be read (\(unsafe String(cString: strerror(errno))))")
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
        }
        throw LineRefusal("file \(quoted(name)): expected at most \(limit) bytes, found more")
    }

    private static func failure(_ action: String, _ path: String) -> ProgramError {
        ProgramError(
            .start,
            "\(path): cannot \(action) for a program (\(unsafe String(cString: strerror(errno)))); set TMPDIR to a folder "
                + "that can be written")
    }
}
