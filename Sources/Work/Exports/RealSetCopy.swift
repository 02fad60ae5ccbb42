// The real set's annotation file on its way into an export: read once, checked, and copied beside it.

import Digests
import Files
import Foundation
import Layouts

/// A copy of the real set's annotation text with its file names as the export has them, and what was learned of it.
///
/// The file is read once, so it may be a pipe, gzip, or a file that somebody writes anew meanwhile: what was checked is
/// what is exported.
struct RealSetCopy {
    /// A place in the copy where records can be appended.
    struct Gap {
        /// Bytes of the copy before it.
        var offset: Int
        /// Whether it is the end of the images or that of the annotations.
        var isOfImages: Bool
        /// Whether the list there is empty so far.
        var isEmpty: Bool
    }

    /// Counts, categories and largest ids.
    let summary: AnnotationSummary
    /// SHA-256 of the text as it was read, unpacked and without a byte order mark.
    let digest: SHA256Digest
    /// The copy's name in its folder.
    static let name = "real.fragment"
    private let folder: Folder
    /// Bytes of the copy.
    let size: Int
    /// The two gaps, in the order of the file.
    let gaps: [Gap]

    /// Reads `set` and writes the copy in `folder`.
    /// - Parameter isTaken: whether the export itself gives a file this name.
    init(
        of set: CocoExport.RealSet, in folder: Folder, isTaken: (String) -> Bool
    ) throws {
        let source = try TextFile(path: set.path, subject: "annotations")
        let reader = AnnotationSummary.Reader(path: set.path)
        let copy = try OutputFile(Self.name, in: folder)
        var splicer = AnnotationSplicer()
        var hasher = SHA256Hasher()
        var (size, names, gaps) = (0, 0, [Gap]())
        var piece = TextFile.makePiece()
        while case let count = try source.read(into: &piece), count > 0 {
            hasher.update(piece[..<count])
            try reader.feed(piece, count: count)
            var position = 0
            var isDone = false
            while !isDone {
                var output: [UInt8] = []
                let stop = splicer.advance(through: piece, count: count, from: &position, into: &output)
                if case .fileName(let name) = stop {
                    output += try set.name(name, isTaken: isTaken)
                    names += 1
                }
                try copy.write(output)
                size += output.count
                switch stop {
                case .endOfImages(let isEmpty): gaps.append(Gap(offset: size, isOfImages: true, isEmpty: isEmpty))
                case .endOfAnnotations(let isEmpty): gaps.append(Gap(offset: size, isOfImages: false, isEmpty: isEmpty))
                case .fileName: break
                case nil: isDone = true
                }
            }
        }
        summary = try reader.finish()
        digest = hasher.finalize()
        try copy.finish()
        guard gaps.count == 2, names == summary.namedImages else {
            throw ExportError(
                .refused,
                "cannot merge with \(set.path): expected the keys images, annotations and file_name "
                    + "written without escapes, found \(gaps.count) of 2 lists and \(names) of "
                    + "\(summary.namedImages) file names; write the file anew")
        }
        (self.folder, self.size, self.gaps) = (folder, size, gaps)
    }

    /// The copy, to be read once.
    func open() throws(ExportError) -> InputFile { try InputFile(Self.name, in: folder) }

    /// Removes the copy.
    func remove() throws(ExportError) {
        do { try folder.remove(Self.name) } catch { throw .system(error) }
    }
}

extension CocoExport.RealSet {
    /// The bytes that stand between the quotes of a file name in the export, for those in the real set's file.
    fileprivate func name(_ raw: [UInt8], isTaken: (String) -> Bool) throws -> [UInt8] {
        let name = try decoded(raw)
        let isRelative = !Self.isAbsolute(name)
        let exported = isRelative ? prefix + name : name
        guard !isTaken(Self.normalized(exported)) else {
            throw ExportError(
                .refused,
                "cannot merge with \(path): expected file names that the job's images do not have, found '\(exported)'; "
                    + "leave that job's images out of the real set, or give their folder with --real-prefix")
        }
        guard isRelative, !prefix.isEmpty else { return raw }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return try encoder.encode(prefix).dropFirst().dropLast() + raw
    }

    /// Whether loaders take a name as it is: an absolute path, also one of Windows, or a URL.
    static func isAbsolute(_ name: String) -> Bool {
        if name.hasPrefix("/") || name.hasPrefix("\\\\") { return true }
        // A scheme, or the letter of a drive; written out, since a set has a hundred thousand names.
        let scheme = name.utf8.prefix { $0 != UInt8(ascii: ":") }
        let rest = name.utf8.dropFirst(scheme.count)
        guard !rest.isEmpty, let first = scheme.first, Unicode.Scalar(first).properties.isAlphabetic, first < 0x80
        else {
            return false
        }
        if scheme.count == 1 { return rest.starts(with: ":/".utf8) || rest.starts(with: ":\\".utf8) }
        return rest.starts(with: "://".utf8)
            && scheme.allSatisfy { byte in
                let scalar = Unicode.Scalar(byte)
                return byte < 0x80
                    && (scalar.properties.isAlphabetic || "0123456789+.-".unicodeScalars.contains(scalar))
            }
    }

    /// A relative path without steps that lead nowhere.
    private static func normalized(_ name: String) -> String {
        name.split(separator: "/", omittingEmptySubsequences: true).filter { $0 != "." }.joined(separator: "/")
    }

    /// What the bytes between two quotes say.
    private func decoded(_ raw: [UInt8]) throws(ExportError) -> String {
        guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
        let quote = [UInt8(ascii: "\"")]
        do {
            return try JSONDecoder().decode(String.self, from: Data(quote + raw + quote))
        } catch {
            throw ExportError(
                .refused,
                "cannot merge with \(path): expected a file name as JSON writes texts, found "
                    + "'\(String(decoding: raw.prefix(80), as: UTF8.self))'; write the file anew")
        }
    }
}
