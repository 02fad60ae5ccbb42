// What the things in a store are called: names that the catalogue knows, and the keys that stores make of them.

public import Digests
import ErrorLines

/// An object's name: the SHA-256 of its bytes, and an extension that tells what they are.
public struct ObjectName: Hashable, Sendable {
    /// SHA-256 of its bytes.
    public let digest: SHA256Digest
    /// What its bytes are, such as `png`.
    public let `extension`: String

    /// Names an object.
    ///
    /// Throws `.invalid` for an extension other than 1 to 16 of a-z and 0-9.
    public init(_ digest: SHA256Digest, extension: String) throws(StoreError) {
        let letters = `extension`.utf8
        let isPlain = letters.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
        guard (1...16).contains(letters.count), isPlain else {
            throw StoreError(
                .invalid,
                "cannot name an object with the extension '\(`extension`)': expected 1 to 16 of a-z and 0-9, as in png")
        }
        self.digest = digest
        self.extension = `extension`
    }

    /// Its key in every store: `objects/ab/<62 digits>.<extension>`.
    public var key: String {
        let hex = digest.hex
        return "objects/\(hex.prefix(2))/\(hex.dropFirst(2)).\(`extension`)"
    }
}

/// The name of a shard's archive: its job's, and the shard's number.
public struct ArchiveName: Hashable, Sendable {
    /// The job: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`.
    public let job: String
    /// The shard's number in the job, from 0 on.
    public let number: Int

    /// Names an archive.
    ///
    /// Throws `.invalid` for a job's name that would lead elsewhere, and for a negative number.
    public init(job: String, number: Int) throws(StoreError) {
        guard job.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._\-]{0,99}/) != nil else {
            throw StoreError(
                .invalid,
                "cannot name a shard of the job '\(job)': expected 1 to 100 of letters, digits, '.', '_' and '-',"
                    + " beginning with a letter or digit")
        }
        guard number >= 0 else {
            throw StoreError(.invalid, "cannot name shard \(number) of the job '\(job)': expected a number from 0 on")
        }
        self.job = job
        self.number = number
    }

    /// Names an archive, and holds its key against what the catalogue recorded.
    ///
    /// The key follows from job and number; one that was recorded and differs leads elsewhere, and nothing is read there.
    /// Throws `.invalid`.
    public init(job: String, number: Int, recorded: String) throws(StoreError) {
        try self.init(job: job, number: number)
        guard recorded == key else {
            throw StoreError(
                .invalid,
                "cannot use the archive of shard \(number) of the job '\(job)': expected the path \(key) in the catalogue,"
                    + " found '\(ErrorLine.text(recorded).prefix(200))'; `detdiffusion-catalogue reconcile --fix` packs it anew"
            )
        }
    }

    /// Its key in every store: `shards/<job>/<job>-000012.tar`.
    public var key: String {
        let digits = String(number)
        return "shards/\(job)/\(job)-\(String(repeating: "0", count: max(0, 6 - digits.count)))\(digits).tar"
    }
}

/// The name of something that a store keeps.
public enum StoreName: Hashable, Sendable, CustomStringConvertible {
    case object(ObjectName)
    case archive(ArchiveName)

    /// The name as text, the same in every store: what the catalogue records of archives, a folder's store appends to its
    /// root, and a server's store to its prefix.
    public var key: String {
        switch self {
        case .object(let name): name.key
        case .archive(let name): name.key
        }
    }

    /// Its key.
    public var description: String { key }

    /// The name whose key this is; `nil` for what is no key of a store.
    public init?(key: String) {
        guard let name = Self.object(key).map(StoreName.object) ?? Self.archive(key).map(StoreName.archive),
            name.key == key
        else { return nil }
        self = name
    }

    private static func object(_ key: String) -> ObjectName? {
        guard let match = key.wholeMatch(of: /objects\/([0-9a-f]{2})\/([0-9a-f]{62})\.([a-z0-9]{1,16})/),
            let digest = SHA256Digest(hex: String(match.output.1 + match.output.2))
        else { return nil }
        return try? ObjectName(digest, extension: String(match.output.3))
    }

    private static func archive(_ key: String) -> ArchiveName? {
        guard let match = key.wholeMatch(of: /shards\/([^\/]{1,100})\/.*-([0-9]{6,19})\.tar/),
            let number = Int(match.output.2)
        else { return nil }
        return try? ArchiveName(job: String(match.output.1), number: number)
    }
}

/// An object that a store keeps.
public struct StoredObject: Hashable, Sendable {
    /// What it is called.
    public let name: ObjectName
    /// Its size in bytes.
    public let size: Int
    /// SHA-256 of its bytes.
    public var digest: SHA256Digest { name.digest }

    /// Describes an object.
    public init(name: ObjectName, size: Int) {
        self.name = name
        self.size = size
    }
}
