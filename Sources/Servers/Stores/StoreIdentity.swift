// Which catalogue an object directory belongs to, as a file in the directory says.

import ErrorLines
import Foundation

/// The catalogue that an object directory belongs to.
///
/// The identity file is written once, when the directory is provisioned. A folder without it is no object directory,
/// whatever else is in it: an empty mount point, say.
public struct StoreIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The identity file's name in the object directory.
    public static let fileName = "detdiffusion-store"

    /// What the catalogue chose when it was made: 32 hexadecimal digits.
    public let catalogue: String
    /// Where that catalogue was when the directory was provisioned, such as `database detdiffusion at db:5432`; told to
    /// people, never compared, since a catalogue may be restored elsewhere.
    public let place: String

    /// Names a catalogue.
    public init(catalogue: String, place: String) {
        self.catalogue = catalogue
        self.place = String(ErrorLine.text(place).unicodeScalars.prefix(Self.placeLimit))
    }

    /// One phrase that names the catalogue.
    public var description: String { "the catalogue \(catalogue.prefix(12)) (\(place))" }

    /// Whether both are the same catalogue's.
    public func isSame(as other: StoreIdentity) -> Bool { catalogue == other.catalogue }

    private static let placeLimit = 120
    /// The most bytes that an identity file may have.
    private static let sizeLimit = 4_096
    private static let title = "The object directory of a DetDiffusion catalogue. Never edit or remove this file."

    var encoded: [UInt8] { Array("\(Self.title)\ncatalogue \(catalogue)\nplace \(place)\n".utf8) }

    /// Reads the identity file of the object directory at `root`; `nil` when there is none.
    ///
    /// Throws `.invalid` for a file that is no identity, and what the system says when it cannot be read.
    public static func read(root: String) throws(StoreError) -> StoreIdentity? {
        let file = "\(root)/\(fileName)"
        do throws(StoreError) {
            return try StoreIdentity(decoding: try Disc.read(file, size: nil, limit: sizeLimit), file: file)
        } catch  where error.code == .missing || error.code == .other(ENOTDIR) {
            return nil
        } catch  where error.code == .corrupt {
            throw .noIdentity(file, found: "something else (\(error))")
        }
    }

    private init(decoding bytes: [UInt8], file: String) throws(StoreError) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, let catalogue = lines[1].wholeMatch(of: /catalogue ([0-9a-f]{32})/)?.output.1,
            lines[2].hasPrefix("place ")
        else {
            throw .noIdentity(file, found: "something else")
        }
        self.init(catalogue: String(catalogue), place: String(lines[2].dropFirst(6)))
    }

    // MARK: Writing

    /// Makes the folder at `root` the object directory of this catalogue; the folder is made where it is missing.
    ///
    /// Of several that do so at once, one writes and the others find its file.
    /// - Returns: false when the file was there already.
    /// - Throws: `.foreign` when it is another catalogue's.
    @discardableResult
    public func write(root: String) throws(StoreError) -> Bool {
        let root = ObjectStore.absolute(root)
        do {
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        } catch {
            throw StoreError(.invalid, "cannot create the object directory \(root): \(error.localizedDescription)")
        }
        if try isThere(root) { return false }
        let file = "\(root)/\(Self.fileName)"
        let temporary = "\(root)/.\(Self.fileName)-\(UInt64.random(in: .min ... .max))"
        try Disc.create(temporary, encoded)
        defer { unlink(temporary) }
        try Disc.sync(temporary)
        // A link never replaces what is there, and it is whole at once.
        if link(temporary, file) != 0 {
            if errno == EEXIST { return try !isThere(root) }
            guard [EPERM, ENOTSUP, ENOSYS].contains(errno) else { throw .system("create", file) }
            try Disc.move(temporary, file)
        }
        try Disc.sync(root)
        return true
    }

    private func isThere(_ root: String) throws(StoreError) -> Bool {
        guard let found = try Self.read(root: root) else { return false }
        guard found.isSame(as: self) else { throw .foreign(root, expected: self, found: found) }
        return true
    }
}

extension StoreError {
    fileprivate static func noIdentity(_ file: String, found: String) -> StoreError {
        StoreError(
            .invalid,
            "cannot read the identity file \(file): expected a line 'catalogue' with 32 hexadecimal digits and a line"
                + " 'place', found \(found); restore it from a backup, or remove it and run"
                + " `detdiffusion-catalogue provision` again")
    }

    /// The folder carries no identity.
    static func away(_ root: String, expected: StoreIdentity) -> StoreError {
        let isThere = access(root, F_OK) == 0
        return StoreError(
            .away,
            "cannot use the object directory \(ErrorLine.quoted(root, limit: 200)): expected that of \(expected), found "
                + (isThere ? "no file '\(StoreIdentity.fileName)' in it" : "nothing there")
                + "; mount it, name the one that the workers use, or run `detdiffusion-catalogue provision` for a new one"
        )
    }

    /// The folder is another catalogue's object directory.
    static func foreign(_ root: String, expected: StoreIdentity, found: StoreIdentity) -> StoreError {
        StoreError(
            .foreign,
            "cannot use the object directory \(ErrorLine.quoted(root, limit: 160)): expected that of \(expected), found that"
                + " of \(found); correct --store or --database-url")
    }
}
