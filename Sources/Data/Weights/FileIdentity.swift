// What tells a file's contents apart from what they were.

import Foundation

/// Which file it is and when it was last written: whoever writes to it, shortens it or removes it changes this.
public struct FileIdentity: Sendable, Hashable, CustomStringConvertible {
    /// The file's length in bytes.
    public let size: Int
    /// How many names it has; 0 when it was removed, or replaced by another of its name.
    public let links: Int
    /// Device, inode, size, and times of last modification and change in nanoseconds: unique on a host, and fit for a
    /// file's name.
    public let description: String

    /// The file at `path`, links followed; `nil` when there is none.
    public init?(path: String) {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return nil }
        self.init(facts)
    }

    init(_ facts: stat) {
        size = Int(facts.st_size)
        links = Int(facts.st_nlink)
        let times = [Self.modification(facts), Self.change(facts)].map { "\($0.tv_sec).\($0.tv_nsec)" }
        description = "\(facts.st_dev)-\(facts.st_ino)-\(facts.st_size)-" + times.joined(separator: "-")
    }

    #if canImport(Darwin)
        private static func modification(_ facts: stat) -> timespec { facts.st_mtimespec }
        private static func change(_ facts: stat) -> timespec { facts.st_ctimespec }
    #else
        private static func modification(_ facts: stat) -> timespec { facts.st_mtim }
        private static func change(_ facts: stat) -> timespec { facts.st_ctim }
    #endif
}
