// Whether a file is there, told apart from a link that leads nowhere.

import ErrorLines
import Foundation

/// Looks for files whose absence means something: that an optional file has no say, or that the next name is tried.
///
/// A link to a file that is not there is an error, not an absence: a copy of a Hugging Face cache without its blobs holds
/// such links, and would otherwise be read as a checkpoint with other weights, or without an optional file.
public enum FilePresence {
    /// Whether there is anything at `path`.
    ///
    /// - Throws: ``WeightError`` for a link to something that is not there, at `path` or on the way, and when the system
    ///   does not let this user look.
    public static func isThere(_ path: String) throws(WeightError) -> Bool {
        var facts = stat()
        guard unsafe stat(path, &facts) != 0 else { return true }
        let number = errno
        if let broken = brokenLink(to: path) { throw broken }
        guard number == ENOENT || number == ENOTDIR else {
            errno = number
            throw .system("look for", path, fix: "check the permissions of its folder")
        }
        return false
    }

    /// What is to be said of a link that leads nowhere, where `path` is one or a folder on the way is; else `nil`.
    public static func brokenLink(to path: String) -> WeightError? {
        var place = path
        var facts = stat()
        while !place.isEmpty, unsafe stat(place, &facts) != 0, errno == ENOENT {
            if unsafe lstat(place, &facts) == 0, facts.st_mode & S_IFMT == S_IFLNK {
                let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: place)) ?? "?"
                return WeightError(
                    .file,
                    "\(WeightError.shown(place)): expected a file or folder, found a link to "
                        + "'\(ErrorLine.end(of: target, limit: 100))', which is not there; download the checkpoint again, "
                        + "or copy it with what its links lead to (cp -rL)")
            }
            guard let slash = place.lastIndex(of: "/") else { return nil }
            place = String(place[..<slash])
        }
        return nil
    }
}
