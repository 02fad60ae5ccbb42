// What a tar file holds: its members in order, with their hashes, and whether they make whole samples.

import Archives
public import Digests
import JSON
import Tasks

/// A tar file read from end to end.
public struct ArchiveInspection: Sendable {
    /// One sample's image as the archive holds it.
    public struct Image: Sendable, Hashable {
        /// The member's name without extension.
        public var key: String
        /// SHA-256 of the member's bytes.
        public var digest: SHA256Digest
    }

    /// The images in the archive's order.
    public private(set) var images: [Image] = []
    /// What is wrong with the archive itself, `(what, expected, found)`; empty for a good one.
    public private(set) var defects: [(what: String, expected: String, found: String)] = []

    /// Reads an archive: ustar with plain members, a PNG and a JSON object of the same key in turn. Keys are those
    /// that a packer gives (``LayoutTask/key``): other names may lead out of the folder that somebody unpacks into, or hold
    /// what a terminal interprets.
    ///
    /// What is wrong is noted, not thrown; members after a damaged header cannot be read. Throws ``ArchiveError`` when the
    /// archive cannot be read for reasons that say nothing about it.
    init(_ archive: TarReader) throws {
        var open: String?
        var keys: Set<String> = []
        do {
            try archive.forEachMember { name, contents in
                if name.hasSuffix(".png") {
                    let key = String(name.dropLast(4))
                    if let open { note("member \(open).json", "after \(open).png", name) }
                    if !LayoutTask.isKey(key) {
                        note("member \(name)", "a name such as \(Self.example).png", "one that no packer gives")
                    }
                    if !keys.insert(key).inserted { note("member \(name)", "once", "a second time") }
                    if let objection = PNGStructure.objection(to: contents) {
                        note("member \(name)", "a whole PNG", objection)
                    }
                    images.append(Image(key: key, digest: SHA256.digest(of: contents)))
                    open = key
                } else {
                    if name != (open ?? "") + ".json" {
                        note("member \(name)", open.map { "\($0).json" } ?? "a .png such as \(Self.example).png", name)
                    }
                    if !Self.isJSONObject(contents) {
                        note("member \(name)", "a JSON object", "\(contents.count) bytes that are none")
                    }
                    open = nil
                }
                return true
            }
        } catch let error as ArchiveError where error.code.isOfTheSurroundings {
            throw error
        } catch {
            note(unreadable: "\(error)")
        }
        if let open { note("member \(open).json", "after \(open).png", "the end of the archive") }
        if images.isEmpty && defects.isEmpty { note("archive", "at least one sample", "none") }
    }

    /// An archive that cannot be opened, for a reason that says something about it.
    init(unreadable reason: String) { note(unreadable: reason) }

    private static let example = LayoutTask.key(imageID: 139, sample: 0)

    private mutating func note(unreadable reason: String) {
        note("archive", "members up to two zero blocks", reason)
    }

    private mutating func note(_ what: String, _ expected: String, _ found: String) {
        defects.append((what, expected, found))
    }

    private static func isJSONObject(_ bytes: [UInt8]) -> Bool {
        var reader = JSONReader<JSONFault>(bytes)
        do {
            try reader.members { (reader, _) throws(JSONFault) in try reader.skip() }
            try reader.finish()
            return true
        } catch {
            return false
        }
    }

    /// What is wrong with the file at `path`, for a reader without a catalogue.
    public static func findings(inFileAt path: String) throws -> [Finding] {
        let inspection: ArchiveInspection
        do {
            inspection = try ArchiveInspection(TarReader(path: path, following: true))
        } catch let error as ArchiveError where !error.code.isOfTheSurroundings {
            inspection = ArchiveInspection(unreadable: "\(error)")
        }
        return inspection.defects.map { defect in
            Finding(
                "\(path): \(defect.what)", expected: defect.expected, found: defect.found,
                fix: "copy the file again, or verify and reconcile its job where it was packed")
        }
    }
}
