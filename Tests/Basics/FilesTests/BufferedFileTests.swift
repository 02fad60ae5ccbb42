// Files written in pieces hold all of them, and failures say what kind they are.

import Files
import Foundation
import Testing

@Suite struct BufferedFileTests {
    private let path = FileManager.default.temporaryDirectory.path + "/buffered-" + UUID().uuidString

    @Test(arguments: [[1], [3, 4], [4, 4, 1], [9, 2, 2, 1, 20], [0, 5, 0]])
    func piecesOfAnySizeArriveInOrder(sizes: [Int]) throws {
        defer { unlink(path) }
        let file = try BufferedFile(path: path, replacing: false, capacity: 4)
        var expected: [UInt8] = []
        for size in sizes {
            let piece = (0..<size).map { UInt8(($0 + expected.count) % 251) }
            try file.append(piece)
            expected += piece
        }
        try file.finish(syncing: true)
        #expect(file.isFinished)
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) == expected)
    }

    @Test func aFileThatIsThereIsEmptiedOrRefused() throws {
        defer { unlink(path) }
        try Data("there".utf8).write(to: URL(fileURLWithPath: path))
        let refusal = try #require(throws: FileFailure.self) {
            try BufferedFile(path: path, replacing: false, capacity: 4)
        }
        #expect(refusal == FileFailure("create", path, number: EEXIST))
        try BufferedFile(path: path, replacing: true, capacity: 4).finish(syncing: false)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).isEmpty)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
    func aFullDiscIsSaidWhereTheBytesAreWritten() throws {
        let file = try BufferedFile(path: "/dev/full", replacing: true, capacity: 4)
        try file.append([1, 2])
        let failure = try #require(throws: FileFailure.self) { try file.append([3, 4, 5]) }
        #expect(failure.kind == .full && failure.action == "write" && failure.fix.contains("free space"))
    }

    @Test(arguments: [
        (ENOSPC, FileFailure.Kind.full), (EDQUOT, .full), (EROFS, .readOnly), (EACCES, .readOnly), (EPERM, .readOnly),
        (ENOENT, .missing), (EIO, .other),
    ])
    func errorNumbersHaveTheirKinds(number: Int32, kind: FileFailure.Kind) {
        #expect(FileFailure("write", "f", number: number).kind == kind)
    }
}
