// Object directories and output files on discs that are full, divided, read-only or something else.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct StoreTests {
    private static let worker = ["run", "--exit-when-idle", "0", "--log-level", "critical"]

    private func expect(
        _ world: TestWorld, store: String? = nil, status: Int32, says: [String], _ about: String
    ) throws {
        let environment = world.commands.environment.merging(["DETDIFFUSION_STORE": store ?? world.store]) { $1 }
        let result = try Commands(environment: environment).run("worker", Self.worker)
        Refusal.expect(result, status: status, says: says, about)
        #expect(try world.sql("SELECT count(*) FROM workers") == ["0"])
    }

    @Test func aStoreThatIsNoneIs66() throws {
        try TestWorld.with("store") { world in
            let scratch = try Scratch()
            let file = try scratch.write("file", "x")
            try expect(world, store: file, status: 66, says: [file, "no file 'detdiffusion-store' in it"], "a file")
            for path in [file + "/below", "/proc/store", "/dev/null/store", scratch.path + "/typo"] {
                try expect(
                    world, store: path, status: 66, says: [path, "nothing there", "schema \(world.schema)"], path)
            }
            #expect(try scratch.entries() == ["file"])
            let long = "/" + String(repeating: "d", count: 10_000)
            try expect(world, store: long, status: 73, says: ["File name too long"], "a long path")
        }
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
    func aStoreOfTwoFileSystemsIs73() throws {
        try TestWorld.with("store") { world in
            for folder in ["tmp", "objects", "shards"] {
                let path = world.store + "/" + folder
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                let mount = try Mount(at: path, size: "64k")
                try expect(world, status: 73, says: ["one file system, found two", world.store], folder)
                mount.unmount()
            }
        }
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
    func aStoreThatIsReadOnlyIs73() throws {
        try TestWorld.with("store") { world in
            let mount = try Mount(readOnly: world.store)
            try expect(world, status: 73, says: [world.store, "Read-only", "write"], "read-only")
            mount.unmount()
        }
    }

    @Test(.enabled(if: getuid() == 0, "needs root, to become somebody else"))
    func aStoreOfSomebodyElseIs73() throws {
        try TestWorld.with("store") { world in
            for folder in [world.folder, world.store] {
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
            }
            let scratch = try Scratch()
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.path)
            let program = try scratch.copyOfWorker()
            let result = try RunningProcess(
                "/usr/bin/env",
                ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program] + Self.worker,
                environment: world.commands.environment
            ).wait()
            let says = [world.store, "Permission denied", "let this user write"]
            Refusal.expect(result, status: 73, says: says, "nobody's")
        }
    }

    @Test(.enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
    func aFullDiscLeavesNoHalfWrittenFile() throws {
        let scratch = try Scratch()
        let mount = try Mount(at: scratch.path, size: "64k")
        for arguments in [["example"], ["example", "--large"]] {
            let out = scratch.path + "/example.json"
            let result = try Refusal.nobody.run("producer", arguments + ["--out", out])
            Refusal.expect(
                result, status: 73, says: [out, "cannot write", "space"], arguments.joined(separator: " "))
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
