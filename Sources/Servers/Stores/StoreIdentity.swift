// Which catalogue a store belongs to, and how the store says it.

import ErrorLines

/// The catalogue that a store belongs to.
///
/// It is written into the store once, when that is provisioned. A place without it is not a store, whatever else is there: an
/// empty mount point, say.
public struct StoreIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The name of the file that says it, at the top of a store.
    public static let fileName = "detdiffusion-store"

    /// What the catalogue chose when it was made: 32 hexadecimal digits.
    public let catalogue: String
    /// Where that catalogue was when the store was provisioned, such as `database detdiffusion at db:5432`; told to
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
    static let sizeLimit = 4_096
    private static let title = "The object directory of a DetDiffusion catalogue. Never edit or remove this file."

    var encoded: [UInt8] { Array("\(Self.title)\ncatalogue \(catalogue)\nplace \(place)\n".utf8) }

    /// Reads an identity file's bytes; throws `.invalid` for what is no identity.
    init(decoding bytes: [UInt8], file: String) throws(StoreError) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 3, let catalogue = lines[1].wholeMatch(of: /catalogue ([0-9a-f]{32})/)?.output.1,
            lines[2].hasPrefix("place ")
        else {
            throw .noIdentity(file, found: "something else")
        }
        self.init(catalogue: String(catalogue), place: String(lines[2].dropFirst(6)))
    }
}

extension StoreError {
    static func noIdentity(_ file: String, found: String) -> StoreError {
        StoreError(
            .invalid,
            "cannot read the identity file \(file): expected a line 'catalogue' with 32 hexadecimal digits and a line"
                + " 'place', found \(found)",
            fix: "restore it from a backup, or remove it and run `detdiffusion-catalogue provision` again")
    }

    /// There is no store at `place`, and there should be one.
    /// - Parameter found: what is there instead.
    public static func away(_ place: String, expected: StoreIdentity, found: String) -> StoreError {
        StoreError(
            .away,
            "cannot use the object directory \(ErrorLine.quoted(place, limit: 200)): expected that of \(expected), found"
                + " \(found)",
            fix: "mount it, name the one that the workers use, or run `detdiffusion-catalogue provision` for a new one")
    }

    /// The store at `place` is another catalogue's.
    public static func foreign(_ place: String, expected: StoreIdentity, found: StoreIdentity) -> StoreError {
        StoreError(
            .foreign,
            "cannot use the object directory \(ErrorLine.quoted(place, limit: 160)): expected that of \(expected), found that"
                + " of \(found)",
            fix: "correct --store or --database-url")
    }
}
