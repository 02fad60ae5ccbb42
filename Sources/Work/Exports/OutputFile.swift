// A file under construction: buffered, and every failure said.

import Files

/// A new file that is written in pieces; removed by whoever removes its folder.
final class OutputFile {
    /// Where it is.
    var path: String { file.path }
    private let file: BufferedFile

    /// Creates the file in a folder; something that is there already is an error.
    init(_ name: String, in folder: Folder) throws(ExportError) {
        do { file = try BufferedFile(name, in: folder, capacity: 1 << 18) } catch { throw .system(error) }
    }

    /// Appends bytes.
    func write(_ bytes: [UInt8]) throws(ExportError) {
        do { try file.append(bytes) } catch { throw .system(error) }
    }

    /// Appends text as UTF-8.
    func write(_ text: String) throws(ExportError) { try write(Array(text.utf8)) }

    /// Appends the contents of another file.
    func write(contentsOf source: InputFile) throws(ExportError) {
        try source.forEachPiece { piece throws(ExportError) in try write(piece) }
    }

    /// Writes what is buffered and closes the file.
    func finish() throws(ExportError) {
        do { try file.finish(syncing: false) } catch { throw .system(error) }
    }

    /// A whole file at once.
    static func write(_ bytes: [UInt8], as name: String, in folder: Folder) throws(ExportError) {
        let file = try OutputFile(name, in: folder)
        try file.write(bytes)
        try file.finish()
    }
}

/// A file that is read once, from start to end, in pieces.
final class InputFile {
    private let file: RegularFile
    private var position = 0

    /// Reads a file of this program.
    init(_ file: RegularFile) { self.file = file }

    /// Opens a file in a folder.
    convenience init(_ name: String, in folder: Folder) throws(ExportError) {
        do { self.init(try folder.file(name)) } catch { throw .reading(error) }
    }

    /// Hands over the rest of the contents in pieces of at most 1 MiB, or the rest of the first `end` bytes.
    func forEachPiece(upTo end: Int = .max, _ body: ([UInt8]) throws(ExportError) -> Void) throws(ExportError) {
        let end = min(end, file.size)
        while position < end {
            let piece: [UInt8]
            do { piece = try file.bytes(at: position, count: min(1 << 20, end - position)) } catch {
                throw .reading(error)
            }
            if piece.isEmpty { return }
            position += piece.count
            try body(piece)
        }
    }
}
