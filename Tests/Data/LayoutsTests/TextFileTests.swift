// Files as they come: gzip, byte order marks, pipes, and other encodings by their names.

import Foundation
import Testing

@testable import Layouts

@Suite struct TextFileTests {
    static let text = Array(
        "{\"name\": \"猫\", \"values\": [\((0..<40_000).map(String.init).joined(separator: ","))]}\n".utf8)

    static func read(_ bytes: [UInt8]) throws -> [UInt8] {
        try withFile(bytes) { try TextFile(path: $0, subject: "annotations").readAll() }
    }

    static func message(_ bytes: [UInt8]) throws -> String {
        try #require(#expect(throws: LayoutError.self) { try read(bytes) }).description
    }

    /// What the command `gzip` makes of bytes.
    static func packed(_ bytes: [UInt8]) throws -> [UInt8] {
        try withFile(bytes) { path in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/gzip")
            process.arguments = ["-nc", path]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            return Array(data)
        }
    }

    @Test(arguments: [("/dev/zero", "a device"), ("/dev/null", "a device"), ("/tmp", "a folder")])
    func foldersAndDevicesAreRefusedByName(path: String, kind: String) throws {
        let error = #expect(throws: LayoutError.self) { try TextFile(path: path, subject: "annotations") }
        #expect(error?.code == .file)
        #expect(error?.description.contains("\(path): expected a file or a pipe, found \(kind)") == true)
    }

    @Test func plainMarkedAndPackedTextsAreTheSame() throws {
        let packed = try Self.packed(Self.text)
        #expect(try Self.read(Self.text) == Self.text)
        #expect(try Self.read([0xEF, 0xBB, 0xBF] + Self.text) == Self.text)
        #expect(try Self.read(packed) == Self.text)
        // Several members are one text, and zeros behind the last are padding, as for gzip itself.
        let half = Self.text.count / 2
        let members = try Self.packed(Array(Self.text[..<half])) + Self.packed(Array(Self.text[half...]))
        #expect(try Self.read(members) == Self.text)
        #expect(try Self.read(packed + [0, 0, 0, 0]) == Self.text)
        #expect(try Self.read(try Self.packed([0xEF, 0xBB, 0xBF] + Self.text)) == Self.text)
        #expect(try Self.read([]).isEmpty && Self.read(Array("7".utf8)) == Array("7".utf8))
    }

    /// Text that unpacks to much more than it takes arrives in pieces.
    @Test func longRunsUnpackPieceByPiece() throws {
        let long = [UInt8](repeating: UInt8(ascii: " "), count: 5_000_000)
        let packed = try Self.packed(long)
        #expect(packed.count < 10_000)
        try withFile(packed) { path in
            let file = try TextFile(path: path, subject: "annotations")
            var piece = TextFile.makePiece()
            var total = 0
            while case let count = try file.read(into: &piece), count > 0 {
                #expect(count <= TextFile.pieceSize)
                total += count
            }
            #expect(total == long.count)
        }
    }

    @Test func whatIsPackedIsNamedToo() throws {
        let wide = try #require("{\"images\":[]}".data(using: .utf16))
        #expect(try Self.message(try Self.packed(Array(wide))).contains("found UTF-16; convert it"))
        #expect(try Self.message(try Self.packed(try Self.packed(Self.text))).contains("found gzip data in gzip data"))
    }

    @Test func damagedGzipIsNamed() throws {
        let packed = try Self.packed(Self.text)
        #expect(try Self.message(Array(packed.dropLast(5))).contains("truncated"))
        #expect(try Self.message(Array(packed.prefix(7))).contains("truncated"))
        var damaged = packed
        damaged[damaged.count - 6] ^= 1
        #expect(try Self.message(damaged).contains("damaged gzip data"))
        #expect(try Self.message(packed + Array("rest".utf8)).contains("damaged gzip data"))
    }

    @Test(arguments: [
        (String.Encoding.utf16, "UTF-16"), (.utf16LittleEndian, "UTF-16LE"), (.utf16BigEndian, "UTF-16BE"),
        (.utf32, "UTF-32"),
    ])
    func otherEncodingsAreNamed(encoding: String.Encoding, name: String) throws {
        let data = try #require("{\"images\":[]}".data(using: encoding))
        let message = try Self.message(Array(data))
        #expect(message.contains("found \(name); convert it: iconv -f \(name) -t UTF-8"), "\(message)")
    }

    @Test(
        arguments: [
            ([0x50, 0x4B, 3, 4, 20, 0], "a zip archive"), ([0x28, 0xB5, 0x2F, 0xFD, 0, 0], "zstd data"),
            ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz data"), ([0x42, 0x5A, 0x68, 0x39, 0x31, 0x41], "bzip2 data"),
        ] as [([UInt8], String)])
    func archivesAreNamed(bytes: [UInt8], name: String) throws {
        #expect(try Self.message(bytes).contains("found \(name)"))
    }

    /// A pipe is read once, byte by byte if it has to be, and its digest is that of the same file.
    @Test func aPipeGivesWhatItsFileGives() throws {
        let file = Array(AnnotationReadingTests.file(annotations: AnnotationReadingTests.good).utf8)
        for bytes in [file, try Self.packed(file), [0xEF, 0xBB, 0xBF] + file] {
            let path = FileManager.default.temporaryDirectory.path + "/pipe-" + UUID().uuidString
            #expect(mkfifo(path, 0o600) == 0)
            defer { unlink(path) }
            let writer = Thread {
                let descriptor = open(path, O_WRONLY)
                for byte in bytes { withUnsafeBytes(of: byte) { _ = write(descriptor, $0.baseAddress, 1) } }
                close(descriptor)
            }
            writer.start()
            var text: [UInt8] = []
            let set = try AnnotationSet.read(path: path) { text += $0 }
            #expect(set.annotations.map(\.id) == [9])
            #expect(text == file, "what is shown is what is parsed")
        }
    }
}
