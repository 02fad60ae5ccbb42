// Object directories that keep what the store promises, and others.

import Fixtures
import Foundation
import Stores
import Testing

@testable import Provisioning

@Suite struct StoreInspectionTests {
    private static let identity = StoreIdentity(
        catalogue: String(repeating: "a", count: 32), place: "database a, at a:1")

    private func results(_ folder: String, of identity: StoreIdentity? = identity) -> [CheckResult] {
        StoreInspection(site: FolderSite(folder), identity: identity).results()
    }

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
            try FolderSite(folder).claim(for: Self.identity)
            let results = results(folder)
            let promises = ["folder", "identity", "temporary files", "writable", "rename", "clock"]
            #expect(promises.map { results.verdict($0) } == promises.map { _ in .ok })
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left == [StoreIdentity.fileName])
        }
    }

    /// Workers refuse it, and nothing is written through it here either.
    @Test func aLinkedFolderFails() throws {
        try inFolder { folder in
            let (root, elsewhere) = ("\(folder)/root", "\(folder)/elsewhere")
            try FolderSite(root).claim(for: Self.identity)
            try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
            let before = try FileManager.default.attributesOfItem(atPath: elsewhere)[.modificationDate] as? Date
            try FileManager.default.createSymbolicLink(atPath: root + "/tmp", withDestinationPath: elsewhere)
            #expect(results(root).verdict("temporary files") == .fail)
            #expect(try FileManager.default.attributesOfItem(atPath: elsewhere)[.modificationDate] as? Date == before)
        }
    }

    @Test func aFolderThatIsMissingOrAFileFails() throws {
        try inFolder { folder in
            #expect(results(folder + "/none").map(\.verdict) == [.fail])
            #expect(FileManager.default.createFile(atPath: folder + "/file", contents: nil))
            #expect(results(folder + "/file").first?.found.contains("not a folder") == true)
        }
    }

    /// Nothing is written into it either.
    @Test func aFolderThatIsNotTheCataloguesFailsAndBothSidesAreNamed() throws {
        try inFolder { folder in
            let none = try #require(results(folder).first { $0.check == "identity" })
            #expect(none.verdict == .fail && none.found.contains("\(Self.identity)"), "\(none)")
            let other = StoreIdentity(catalogue: String(repeating: "b", count: 32), place: "database b, at b:1")
            try FolderSite(folder).claim(for: other)
            let foreign = try #require(results(folder).first { $0.check == "identity" })
            #expect(foreign.verdict == .fail)
            for side in [Self.identity, other] { #expect(foreign.found.contains("\(side)"), "\(foreign)") }
            #expect(results(folder).verdict("writable") == nil)
            #expect(results(folder, of: nil).verdict("identity") == .warn)
            #expect(results(folder, of: other).verdict("identity") == .ok)
        }
    }

    /// Nobody, not even root, writes to a file system that is mounted read-only; and it is another one.
    @Test(.enabled(if: getuid() == 0 && canMount, "needs the right to mount file systems: run it as root"))
    func aMountedFolderFailsAndSoDoesOneThatCannotBeWritten() throws {
        try inFolder { folder in
            try FolderSite(folder).claim(for: Self.identity)
            try FileManager.default.createDirectory(atPath: folder + "/tmp", withIntermediateDirectories: false)
            #expect(Self.run(["mount", "-t", "tmpfs", "-o", "ro,size=64k", "none", folder + "/tmp"]))
            defer { _ = Self.run(["umount", folder + "/tmp"]) }
            let results = results(folder)
            #expect(results.verdict("temporary files") == .fail && results.verdict("writable") == .fail)
            let finding = results.first { $0.check == "temporary files" }
            #expect(finding?.found.contains("tmp/ is on another file system") == true)
        }
    }

    private static let canMount: Bool = {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mount-\(UUID().uuidString)").path
        guard mkdir(folder, 0o755) == 0 else { return false }
        defer { rmdir(folder) }
        return run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder]) && run(["umount", folder])
    }()

    /// Whether a command succeeds.
    private static func run(_ command: [String]) -> Bool {
        let result = try? RunningProcess("/usr/bin/env", command).wait()
        return result?.status == 0
    }
}
