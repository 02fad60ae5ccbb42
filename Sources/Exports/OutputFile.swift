// A file under construction: buffered, and every failure said.

import Files
import Foundation

/// A new file that is written in pieces; removed by whoever removes its folder.
final class OutputFile {
    /// Where it is.
    var path: String { file.path }
    private let file: BufferedFile

    /// Creates the file; something that is there already is an error.
    init(path: String) throws(ExportError) {
        do { file = try BufferedFile(path: path, replacing: false, capacity: 1 << 18) } catch { throw .system(error) }
    }

    /// Appends bytes.
    func write(_ bytes: [UInt8]) throws(ExportError) {
        do { try file.append(bytes) } catch { throw .system(error) }
    }

    /// Appends text as UTF-8.
    func write(_ text: String) throws(ExportError) { try write(Array(text.utf8)) }

    /// Appends the contents of another file.
    func write(contentsOf source: String) throws(ExportError) {
        try InputFile(path: source).forEachPiece { piece throws(ExportError) in try write(piece) }
    }

    /// Writes what is buffered and closes the file.
    func finish() throws(ExportError) {
        do { try file.finish(syncing: false) } catch { throw .system(error) }
    }

    /// A whole file at once.
    static func write(_ bytes: [UInt8], to path: String) throws(ExportError) {
        let file = try OutputFile(path: path)
        try file.write(bytes)
        try file.finish()
    }
}

/// A file that is read once, from start to end, in pieces.
final class InputFile {
    private let path: String
    private let descriptor: Int32
    private var position = 0

    init(path: String) throws(ExportError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .reading("open", path) }
    }

    deinit { close(descriptor) }

    /// Hands over the rest of the contents in pieces of at most 1 MiB, or the rest of the first `end` bytes.
    func forEachPiece(upTo end: Int = .max, _ body: ([UInt8]) throws(ExportError) -> Void) throws(ExportError) {
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while position < end {
            let wanted = min(piece.count, end - position)
            let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, wanted) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .reading("read", path) }
            if count == 0 { return }
            position += count
            try body(count == piece.count ? piece : Array(piece[..<count]))
        }
    }
}
