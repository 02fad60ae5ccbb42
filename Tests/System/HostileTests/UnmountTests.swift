// An object directory that is unmounted under a running worker: it pauses, writes nothing elsewhere, and goes on later.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
struct UnmountTests {
    private static let worker = [
        "run", "--batch", "4", "--lease", "3", "--hint-horizon", "0.5", "--exit-when-idle", "0.7", "--log-level",
        "warning",
    ]

    /// The worker stops itself while it holds a batch, or amid an archive.
    /// - Parameter folders: what lies in the mount point, under the object directory.
    @Test(
        .timeLimit(.minutes(2)),
        arguments: ["worker.after-claim=stop@1", "pack.mid-tar=stop@1"], [[], ["objects", "shards", "tmp"]])
    func aWorkerWaitsForItsStoreAndCountsNoAttempt(failpoint: String, folders: [String]) throws {
        try TestWorld.with("unmount") { world in
            let disc = world.folder + "/disc"
            try FileManager.default.moveItem(atPath: world.store, toPath: disc)
            for folder in [""] + folders {
                try FileManager.default.createDirectory(
                    atPath: world.store + "/" + folder, withIntermediateDirectories: true)
            }
            let first = try Mount(disc, at: world.store)
            try world.enqueue("unmount", limit: 8)
            let process = try world.commands.start("worker", Self.worker, failpoints: failpoint)
            try world.wait(for: failpoint) { try process.isStopped }
            first.unmount()
            process.send(SIGCONT)
            try process.waitFor("no file 'detdiffusion-store' in it")
            #expect(process.isRunning && process.errors.contains("Work pauses"), "\(process.errors)")
            #expect(try FileManager.default.subpathsOfDirectory(atPath: world.store).sorted() == folders)
            let second = try Mount(disc, at: world.store)
            let result = try process.wait(limit: .seconds(60))
            #expect(result.status == 0, "\(result.errors.suffix(2000))")
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
            #expect(try world.sql("SELECT max(attempt) FROM tasks") == ["0"])
            try world.commands.succeed("catalogue", ["audit"])
            second.unmount()
            #expect(try FileManager.default.subpathsOfDirectory(atPath: world.store).sorted() == folders)
        }
    }
}
