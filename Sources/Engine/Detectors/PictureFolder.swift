// The pictures of a data set: files of a folder, by the names in its annotation file.

public import Digests
public import Files
import Foundation
public import Pixels

/// A folder of pictures, and nothing outside of it.
public struct PictureFolder: Sendable, Hashable {
    /// The folder.
    public let path: String

    /// The largest picture file that is read, in bytes.
    private static let fileLimit = 256 << 20

    /// Looks into the folder at `path`.
    /// - Throws: ``Files/FileFailure`` where there is no folder that can be read.
    public init(path: String) throws(FileFailure) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileFailure("open the folder", path) }
        guard EntryKind(status) == .folder else {
            throw FileFailure("read", path, expected: "a folder of pictures", found: "\(EntryKind(status))")
        }
        guard access(path, R_OK | X_OK) == 0 else { throw FileFailure("read the folder", path) }
        self.path = path
    }

    /// Where a picture would lie that annotations call `name`: under that path, or under its last part, since many data sets
    /// are unpacked without the folders that their files name. `nil` for a name that leads out of the folder.
    public func place(of name: String) -> String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard let last = parts.last, !last.isEmpty, !parts.contains(where: { ["", ".", ".."].contains($0) }) else {
            return nil
        }
        let whole = "\(path)/\(name)", short = "\(path)/\(last)"
        return parts.count > 1 && access(whole, F_OK) != 0 && access(short, F_OK) == 0 ? short : whole
    }

    /// Whether a picture of this name is there.
    public func has(_ name: String) -> Bool { place(of: name).map { access($0, F_OK) == 0 } ?? false }

    /// Reads and decodes a picture, and hashes its file.
    /// - Throws: `FileFailure`, `PixelError`.
    public func picture(named name: String) throws -> (image: Image, digest: SHA256Digest) {
        guard let place = place(of: name) else {
            throw FileFailure(
                "read", "\(path)/\(name)", expected: "a path within the folder", found: "one that leads out")
        }
        let bytes = try RegularFile(path: place, following: true).contents(limit: Self.fileLimit)
        return (try Image(decoding: bytes), SHA256.digest(of: bytes))
    }
}
