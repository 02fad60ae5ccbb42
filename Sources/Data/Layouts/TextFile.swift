// Text files as they come: read once, from start to end, gzip unpacked, without a byte order mark.

import Foundation

/// A text file that is read once, in pieces: a regular file, a pipe or `/dev/stdin`.
///
/// gzip is recognised by its first bytes and unpacked; a UTF-8 byte order mark is skipped. What is neither, such as
/// UTF-16 or a zip archive, is refused by name. A reader belongs to one thread at a time.
@safe public final class TextFile {
    /// The most bytes that one read returns.
    public static let pieceSize = 256 * 1024

    /// Where the file is.
    public let path: String
    /// What the file is to the reader, for messages, for example `annotations`.
    public let subject: String
    private let descriptor: Int32
    private var inflater: Inflater?
    /// What was read to learn the file's form and not handed over yet.
    private var head: ArraySlice<UInt8> = []
    private var hasBegun = false

    /// Opens the file.
    ///
    /// Throws ``LayoutError`` with code `file` when it cannot be opened, or is a folder or a device; reading throws that too, and code `content` for
    /// what is not text.
    public init(path: String, subject: String) throws(LayoutError) {
        self.path = path
        self.subject = subject
        descriptor = unsafe open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.systemError(path, subject, errno) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.systemError(path, subject, errno) }
        let kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG, S_IFIFO, S_IFSOCK: ""
            case S_IFDIR: "a folder"
            // A terminal, or a device that never ends.
            default: "a device"
            }
        guard kind.isEmpty else {
            throw LayoutError(
                .file,
                "cannot read \(subject) from \(path): expected a file or a pipe, found \(kind); correct the path")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// A piece to read into.
    public static func makePiece() -> [UInt8] { [UInt8](repeating: 0, count: pieceSize) }

    /// Fills the beginning of `piece`, which ``makePiece()`` made, and returns how many bytes of text it got; 0 at the
    /// file's end.
    public func read(into piece: inout [UInt8]) throws(LayoutError) -> Int {
        if !hasBegun { try begin() }
        guard head.isEmpty else {
            let count = head.count
            piece.replaceSubrange(0..<count, with: head)
            head = []
            return count
        }
        if let inflater { return try inflated(by: inflater, into: &piece) }
        return try readRaw(into: &piece)
    }

    /// The whole text.
    public func readAll() throws(LayoutError) -> [UInt8] {
        var text: [UInt8] = []
        var piece = Self.makePiece()
        while true {
            let count = try read(into: &piece)
            if count == 0 { return text }
            text += piece[..<count]
        }
    }

    /// Reads enough to know the file's form, and that of what is packed in it.
    private func begin() throws(LayoutError) {
        hasBegun = true
        let bytes = try beginning { piece throws(LayoutError) in try readRaw(into: &piece) }
        guard TextForm(of: bytes) == .gzip else { return try take(bytes, TextForm(of: bytes)) }
        let inflater = Inflater()
        inflater.feed(bytes)
        self.inflater = inflater
        let packed = try beginning { piece throws(LayoutError) in try inflated(by: inflater, into: &piece) }
        let form = TextForm(of: packed)
        try take(packed, form == .gzip ? .foreign(name: "gzip data in gzip data", fix: "unpack it once") : form)
    }

    /// The first bytes, as many as tell the form; a pipe may give them one by one.
    private func beginning(
        _ read: (inout [UInt8]) throws(LayoutError) -> Int
    ) throws(LayoutError) -> [UInt8] {
        var piece = Self.makePiece()
        var bytes: [UInt8] = []
        while bytes.count < TextForm.longestMark {
            let count = try read(&piece)
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return bytes
    }

    private func take(_ bytes: [UInt8], _ form: TextForm) throws(LayoutError) {
        switch form {
        case .plain, .gzip: head = bytes[...]
        case .marked(let length): head = bytes[length...]
        case .foreign(let name, let fix):
            throw LayoutError(
                .content,
                "cannot read \(subject) from \(path): expected UTF-8 text or gzip of it, found \(name); \(fix)"
            )
        }
    }

    private func inflated(by inflater: Inflater, into piece: inout [UInt8]) throws(LayoutError) -> Int {
        var raw: [UInt8] = []
        while true {
            switch inflater.inflate(into: &piece) {
            case .bytes(let count): return count
            case .needsInput:
                if raw.isEmpty { raw = Self.makePiece() }
                let count = try readRaw(into: &raw)
                if count > 0 {
                    inflater.feed(Array(raw[..<count]))
                    continue
                }
                guard inflater.isBetweenMembers else {
                    throw damaged("the file's end in the middle of its gzip data (it is truncated)")
                }
                return 0
            case .damaged(let reason): throw damaged("damaged gzip data (\(reason))")
            }
        }
    }

    private func damaged(_ found: String) -> LayoutError {
        LayoutError(
            .content,
            "cannot read \(subject) from \(path): expected gzip data up to its end, found \(found); copy or pack it again"
        )
    }

    private func readRaw(into piece: inout [UInt8]) throws(LayoutError) -> Int {
        while true {
            let count = unsafe piece.withUnsafeMutableBytes {
                unsafe Foundation.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Self.systemError(path, subject, errno) }
            return count
        }
    }

    private static func systemError(_ path: String, _ subject: String, _ number: Int32) -> LayoutError {
        let reason = unsafe String(cString: strerror(number))
        return LayoutError(
            .file, "cannot read \(subject) from \(path): \(reason); check the path and that this user may read the file"
        )
    }
}

/// What a file's first bytes say that it is.
enum TextForm: Equatable {
    /// UTF-8 text, as far as the first bytes tell.
    case plain
    /// UTF-8 behind a byte order mark of so many bytes.
    case marked(Int)
    /// gzip data.
    case gzip
    /// Something else that has a name, with what mends it.
    case foreign(name: String, fix: String)

    /// The most bytes that decide.
    static let longestMark = 6

    init(of bytes: [UInt8]) {
        func begins(_ mark: UInt8...) -> Bool { bytes.starts(with: mark) }
        func utf(_ name: String) -> TextForm {
            .foreign(name: name, fix: "convert it: iconv -f \(name) -t UTF-8 FILE > NEW-FILE")
        }
        func packed(_ name: String) -> TextForm { .foreign(name: name, fix: "unpack it, or pack it with gzip") }
        self =
            if begins(0xEF, 0xBB, 0xBF) {
                .marked(3)
            } else if begins(0x1F, 0x8B) {
                .gzip
            } else if begins(0xFF, 0xFE, 0, 0) || begins(0, 0, 0xFE, 0xFF) {
                utf("UTF-32")
            } else if begins(0xFF, 0xFE) || begins(0xFE, 0xFF) {
                utf("UTF-16")
            } else if bytes.count >= 2, bytes[0] == 0, bytes[1] != 0 {
                utf("UTF-16BE")
            } else if bytes.count >= 2, bytes[1] == 0, bytes[0] != 0 {
                utf("UTF-16LE")
            } else if begins(0x50, 0x4B, 3, 4) {
                packed("a zip archive")
            } else if begins(0x28, 0xB5, 0x2F, 0xFD) {
                packed("zstd data")
            } else if begins(0xFD, 0x37, 0x7A, 0x58, 0x5A) {
                packed("xz data")
            } else if begins(0x42, 0x5A, 0x68) {
                packed("bzip2 data")
            } else {
                .plain
            }
    }
}
