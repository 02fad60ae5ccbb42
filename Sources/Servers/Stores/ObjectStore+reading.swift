// What every store can do with its files once they are open: read them whole, hash them, hold them against a record.

public import Digests
import Files

extension ObjectStore {
    /// Keeps one object; durable when it returns, as ``put(_:extension:)-(_,_)`` has it.
    public func put(_ bytes: [UInt8], extension: String) throws(StoreError) -> StoredObject {
        try put([bytes], extension: `extension`)[0]
    }

    /// An object's bytes, checked against its name.
    ///
    /// Throws `.missing` when it is not there, and `.corrupt` when its bytes are others, when its size is another, or
    /// when it is larger than ``ObjectLimit/bytes``.
    /// - Parameter size: its bytes, as they were recorded.
    public func read(_ name: ObjectName, size: Int) throws(StoreError) -> [UInt8] {
        let reader = try open(.object(name), size: size)
        let bytes: [UInt8]
        do { bytes = try reader.contents(limit: ObjectLimit.bytes) } catch { throw .reading(error) }
        let found = SHA256.digest(of: bytes)
        guard found == name.digest else { throw corrupt(.object(name), expected: name.digest, found: found) }
        return bytes
    }

    /// Checks that a file has this size and digest, reading it in pieces.
    ///
    /// Throws `.missing` or `.corrupt`.
    public func verify(_ name: StoreName, size: Int, digest: SHA256Digest) throws(StoreError) {
        let found = try self.digest(of: name, size: size)
        guard found == digest else { throw corrupt(name, expected: digest, found: found) }
    }

    /// A file's digest, read in pieces.
    ///
    /// Throws `.missing` when it is not there, and `.corrupt` when its size is another.
    public func digest(of name: StoreName, size: Int) throws(StoreError) -> SHA256Digest {
        let reader = try open(name, size: size)
        do { return try reader.digest() } catch { throw .reading(error) }
    }

    /// A file's size in bytes; `nil` when no file is there.
    public func size(of name: StoreName) throws(StoreError) -> Int? { try entry(name)?.size }

    private func corrupt(_ name: StoreName, expected: SHA256Digest, found: SHA256Digest) -> StoreError {
        StoreError(
            .corrupt,
            "cannot use \(place(of: name)): expected SHA-256 \(expected), found \(found); the file is damaged: remove it and"
                + " make it again")
    }
}

/// How much of a store is taken into memory at once.
public enum ObjectLimit {
    /// The largest object that is read into memory, in bytes; as large as an archive's largest member.
    public static let bytes = 128 << 20
}
