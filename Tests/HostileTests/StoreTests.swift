// Object directories and output files on discs that are full, divided, read-only or something else.

import Fixtures
import Foundation
import Testing

struct StoreTests {
    private static let worker = ["run", "--exit-when-idle", "0", "--log-level", "critical"]

    private func run(store: String) throws -> ProcessResult {
        try Commands(environment: Refusal.nobody.environment.merging(["DETDIFFUSION_STORE": store]) { $1 })
            .run("worker", Self.worker)
    }

    @Test func aStoreThatIsAFileIs73() throws {
        let scratch = try Scratch()
        let file = try scratch.write("file", "x")
        Refusal.expect(try run(store: file), status: 73, says: [file], "a file")
        Refusal.expect(try run(store: file + "/below"), status: 73, says: [file], "below a file")
    }

    @Test func aStoreThatCannotBeMadeIs73() throws {
        for path in ["/proc/store", "/dev/null/store", "/" + String(repeating: "d", count: 10_000)] {
            Refusal.expect(
                try run(store: path), status: 73, says: ["object directory", String(path.prefix(40))],
                String(path.prefix(40)))
        }
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
    func aStoreOfTwoFileSystemsIs73() throws {
        for folder in ["tmp", "objects", "shards"] {
            let scratch = try Scratch()
            try FileManager.default.createDirectory(
                atPath: scratch.path + "/" + folder, withIntermediateDirectories: true)
            let mount = try Mount(at: scratch.path + "/" + folder, size: "64k")
            let says = ["one file system, found two", scratch.path]
            Refusal.expect(try run(store: scratch.path), status: 73, says: says, folder)
            withExtendedLifetime(mount) {}
        }
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
    func aStoreThatIsReadOnlyIs73() throws {
        let scratch = try Scratch()
        let mount = try Mount(readOnly: scratch.path)
        Refusal.expect(
            try run(store: scratch.path), status: 73, says: [scratch.path, "Read-only", "write"], "read-only")
        withExtendedLifetime(mount) {}
    }

    @Test(.enabled(if: getuid() == 0, "needs root, to become somebody else"))
    func aStoreOfSomebodyElseIs73() throws {
        let scratch = try Scratch()
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.path)
        let environment = Refusal.nobody.environment.merging(["DETDIFFUSION_STORE": scratch.path]) { $1 }
        let program = try scratch.copyOfWorker()
        let result = try RunningProcess(
            "/usr/bin/env",
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program] + Self.worker,
            environment: environment
        ).wait()
        Refusal.expect(
            result, status: 73, says: [scratch.path, "Permission denied", "let this user write"], "nobody's")
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
    func aFullDiscLeavesNoHalfWrittenFile() throws {
        let scratch = try Scratch()
        let mount = try Mount(at: scratch.path, size: "64k")
        for arguments in [["sample"], ["sample", "--large"]] {
            let out = scratch.path + "/sample.json"
            let result = try Refusal.nobody.run("producer", arguments + ["--out", out])
            Refusal.expect(
                result, status: 73, says: [out, "cannot write the sample", "space"], arguments.joined(separator: " "))
            #expect(try scratch.entries().isEmpty, "\(arguments)")
        }
        withExtendedLifetime(mount) {}
    }
}

extension Scratch {
    /// A copy of the worker that every user may run; the build folder may be closed to others.
    fileprivate func copyOfWorker() throws -> String {
        let copy = path + "/detdiffusion-worker"
        try FileManager.default.copyItem(atPath: Surroundings.executables + "/detdiffusion-worker", toPath: copy)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy)
        return copy
    }
}
