// Small file systems for tests of full and divided discs; they need the right to mount.

import Fixtures
import Foundation

/// A file system in memory, unmounted when it goes away.
final class Mount: Sendable {
    /// What a skipped test says.
    static let missing = "needs the right to mount file systems: run it as root"

    /// Whether this process may mount.
    static let isPermitted: Bool = {
        do {
            let scratch = try Scratch()
            _ = try Mount(at: scratch.path, size: "64k")
            return true
        } catch {
            return false
        }
    }()

    private let path: String

    /// Mounts an empty file system of this size over the folder `path`.
    init(at path: String, size: String) throws {
        self.path = path
        try Self.run(["mount", "-t", "tmpfs", "-o", "size=\(size)", "none", path])
    }

    /// Mounts the folder `source` over the folder `path`; what is in it stays when it is unmounted.
    init(_ source: String, at path: String) throws {
        self.path = path
        try Self.run(["mount", "--bind", source, path])
    }

    /// Makes the folder `path`, and all in it, read-only.
    init(readOnly path: String) throws {
        self.path = path
        try Self.run(["mount", "--bind", path, path])
        try Self.run(["mount", "-o", "remount,ro,bind", path])
    }

    deinit { unmount() }

    /// Gives it more room.
    func grow(to size: String) throws { try Self.run(["mount", "-o", "remount,size=\(size)", path]) }

    /// Unmounts it now.
    func unmount() {
        // Lazily, since a command that was killed may hold it for a moment; once more from deinit does no harm.
        try? Self.run(["umount", "-l", path])
    }

    private static func run(_ words: [String]) throws {
        let result = try RunningProcess("/usr/bin/env", words).wait()
        guard result.status == 0 else { throw ProcessFailure("\(words.joined(separator: " ")): \(result.errors)") }
    }
}
