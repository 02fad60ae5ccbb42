// Object directories that keep what the store promises, and others.

import Foundation
import Testing

@testable import Provisioning

@Suite struct StoreInspectionTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let result = Result { try body(folder) }
        chmod(folder, 0o755)
        try FileManager.default.removeItem(atPath: folder)
        try result.get()
    }

    @Test func aFolderThatWorkersCanUseLeavesNothingBehind() throws {
        try inFolder { folder in
            let findings = StoreInspection(root: folder).findings()
            let promises = ["folder", "temporary files", "writable", "rename", "clock"]
            #expect(promises.map { findings.verdict($0) } == promises.map { _ in .ok })
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left == [])
        }
    }

    @Test func aFolderThatIsMissingOrAFileFails() throws {
        try inFolder { folder in
            #expect(StoreInspection(root: folder + "/none").findings().map(\.verdict) == [.fail])
            #expect(FileManager.default.createFile(atPath: folder + "/file", contents: nil))
            #expect(StoreInspection(root: folder + "/file").findings().first?.found.contains("not a folder") == true)
        }
    }

    /// Root may write anywhere but in the kernel's own trees.
    @Test func aFolderThatCannotBeWrittenFails() throws {
        if geteuid() == 0 {
            #expect(StoreInspection(root: "/proc/self").findings().verdict("writable") == .fail)
        } else {
            try inFolder { folder in
                chmod(folder, 0o555)
                #expect(StoreInspection(root: folder).findings().verdict("writable") == .fail)
            }
        }
    }

    @Test(
        .enabled(if: FileManager.default.isWritableFile(atPath: "/dev/shm"), "needs a second file system at /dev/shm"))
    func temporaryFilesOnAnotherFileSystemFail() throws {
        try inFolder { folder in
            let other = "/dev/shm/detdiffusion-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
            defer { rmdir(other) }
            try FileManager.default.createSymbolicLink(atPath: folder + "/tmp", withDestinationPath: other)
            let finding = StoreInspection(root: folder).findings().first { $0.check == "temporary files" }
            #expect(finding?.verdict == .fail)
            #expect(finding?.found.contains("tmp/ is on another file system") == true)
        }
    }
}
