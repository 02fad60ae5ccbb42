// Output files: regular ones are replaced as a whole; links, pipes and devices stay what they are.

import Foundation
import Testing

@testable import Files

struct WholeFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/whole-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    private func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test func filesAreMadeAndReplacedAndKeepTheirMode() throws {
        try withFolder { folder in
            try WholeFile.write(Array("one".utf8), to: "\(folder)/a")
            #expect(chmod("\(folder)/a", 0o600) == 0)
            try WholeFile.write(Array("two".utf8), to: "\(folder)/a")
            var facts = stat()
            #expect(try read("\(folder)/a") == "two" && stat("\(folder)/a", &facts) == 0)
            #expect(facts.st_mode & 0o777 == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
        }
    }

    @Test func aLinkStaysAndItsTargetIsWritten() throws {
        try withFolder { folder in
            for target in ["there", "missing"] {
                if target == "there" { try WholeFile.write([1], to: "\(folder)/there") }
                #expect(symlink(target, "\(folder)/link-\(target)") == 0)
                try WholeFile.write(Array("x".utf8), to: "\(folder)/link-\(target)")
                #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link-\(target)") == target)
                #expect(try read("\(folder)/\(target)") == "x")
            }
        }
    }

    @Test func aPipeIsWrittenIntoAndADeviceThatIsFullSaysSo() throws {
        try withFolder { folder in
            let pipe = "\(folder)/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            let reader = open(pipe, O_RDONLY | O_NONBLOCK)
            defer { close(reader) }
            try WholeFile.write(Array("piped".utf8), to: pipe)
            var bytes = [UInt8](repeating: 0, count: 16)
            #expect(Foundation.read(reader, &bytes, 16) == 5)
            // A device of the test's own if there is one: a wrong program would replace the machine's.
            #expect(symlink("/dev/full", "\(folder)/full") == 0)
            let error = #expect(throws: FileFailure.self) { try WholeFile.write([1], to: "\(folder)/full") }
            #expect(error?.kind == .full)
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/full") == "/dev/full")
        }
    }

    @Test func foldersAndMissingFoldersAreNamed() throws {
        try withFolder { folder in
            #expect(throws: FileFailure.self) { try WholeFile.write([1], to: folder) }
            let error = #expect(throws: FileFailure.self) { try WholeFile.write([1], to: "\(folder)/no/x.png") }
            #expect(error?.kind == .missing && error?.path == "\(folder)/no/x.png")
        }
    }
}
