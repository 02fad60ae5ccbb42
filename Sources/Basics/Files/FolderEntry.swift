// Opening what stands in a folder that somebody else fills.

import CFiles
import Foundation

/// A file or folder in a folder itself, whatever its name says.
public enum FolderEntry {
    /// Opens `name` in the folder of `descriptor`; the caller closes what it gets.
    ///
    /// Links are not followed (ELOOP), what is mounted there is not entered (EXDEV), and a pipe does not wait
    /// for its writer.
    /// - Parameters:
    ///   - flags: of open(2); O_NOFOLLOW, O_CLOEXEC and O_NONBLOCK are always there.
    ///   - path: where the folder is, for the error.
    public static func open(
        _ name: String, in descriptor: Int32, path: String, flags: Int32
    ) throws(FileFailure) -> Int32 {
        let opened = detdiffusion_open_beneath(descriptor, name, flags | O_NONBLOCK)
        guard opened >= 0 else { throw FileFailure("open", "\(path)/\(name)") }
        return opened
    }
}
