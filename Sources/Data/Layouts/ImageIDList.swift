// Lists of image ids in files: one id a line, or a JSON array.

import ErrorLines
import Foundation

/// Reads files that list image ids.
public enum ImageIDList {
    /// The ids of a file that has one id a line, or is one JSON array of ids, in file order.
    ///
    /// Blank lines, spaces around an id and Windows line ends are tolerated, and so is an id that stands twice, since
    /// a list only says which images are meant. Throws for a missing file, a line that is not a whole number, and a
    /// list of no ids.
    public static func read(path: String) throws(LayoutError) -> [Int] {
        let bytes = try TextFile(path: path, subject: "image ids").readAll()
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw LayoutError(
                .content,
                "cannot read image ids from \(path): expected UTF-8 text, found other bytes; list one id a line")
        }
        let isArray = text.first { !$0.isWhitespace } == "["
        let ids = isArray ? try array(Data(bytes), path: path) : try lines(text, path: path)
        guard !ids.isEmpty else {
            throw LayoutError(
                .content, "cannot use \(path): expected at least one image id, found none; list one id a line")
        }
        return ids
    }

    private static func lines(_ text: String, path: String) throws(LayoutError) -> [Int] {
        var ids: [Int] = []
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let word = line.trimmingCharacters(in: .whitespaces)
            if word.isEmpty { continue }
            guard let id = Int(word) else {
                throw LayoutError(
                    .content,
                    "cannot read image ids from \(path), line \(number + 1): expected a whole number, "
                        + "found \(ErrorLine.quoted(word)); "
                        + "list one id a line, or give a JSON array of ids")
            }
            ids.append(id)
        }
        return ids
    }

    private static func array(_ data: Data, path: String) throws(LayoutError) -> [Int] {
        do { return try JSONDecoder().decode([Int].self, from: data) } catch {
            throw LayoutError(
                .content,
                "cannot read image ids from \(path): expected a JSON array of whole numbers, found something else; "
                    + "write it like [139, 285, 632], or list one id a line")
        }
    }
}
