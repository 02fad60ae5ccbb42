// What an entry of a folder is.

public import Foundation

/// What stands under a name; its description is how people say it.
public enum EntryKind: String, Sendable, CustomStringConvertible {
    case file = "a regular file"
    case folder = "a folder"
    case link = "a symbolic link"
    case pipe = "a named pipe"
    case device = "a device"
    case other = "neither a file nor a folder"

    /// What the system's answer says.
    public init(_ status: stat) {
        self =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .link
            case S_IFIFO: .pipe
            case S_IFCHR, S_IFBLK: .device
            default: .other
            }
    }

    /// What a folder's listing says; `nil` where the file system leaves that out.
    init?(listed type: UInt8) {
        switch Int(type) {
        case Int(DT_REG): self = .file
        case Int(DT_DIR): self = .folder
        case Int(DT_LNK): self = .link
        case Int(DT_FIFO): self = .pipe
        case Int(DT_CHR), Int(DT_BLK): self = .device
        case Int(DT_UNKNOWN): return nil
        default: self = .other
        }
    }

    /// What people call it.
    public var description: String { rawValue }
}
