// What somebody may put in the place of a file.

import Foundation

/// Something that is not the file that a program expects at a path.
public enum Plant: String, CaseIterable, Sendable {
    /// A named pipe, which nobody writes to.
    case pipe
    /// A link to the file itself, which has gone aside.
    case link
    /// A link to a device without an end.
    case endless
    /// A folder.
    case folder
    /// A file of 8 TB that takes no room; where the file system has no such files, one of 8 GB.
    case sparse

    /// Puts it in the place of the file at `path`, which is kept beside it.
    public func replace(_ path: String) throws {
        try FileManager.default.moveItem(atPath: path, toPath: path + ".aside")
        switch self {
        case .pipe: guard mkfifo(path, 0o644) == 0 else { throw ProcessFailure("mkfifo \(path): \(errno)") }
        case .link: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".aside")
        case .endless: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/dev/zero")
        case .folder: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        case .sparse:
            try Data().write(to: URL(fileURLWithPath: path))
            guard truncate(path, 8 << 40) == 0 || truncate(path, 8 << 30) == 0 else {
                throw ProcessFailure("truncate \(path): \(errno)")
            }
        }
    }
}
