// A worker that does not pack hints the packing of what it finished, before any packer was there.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(
        if: Surroundings.variable("DETDIFFUSION_STACK") != nil, "needs a stack of ops/stack: set DETDIFFUSION_STACK"))
struct PackHintTests {
    @Test func packHintsWaitForTheFirstPacker() throws {
        try TestWorld.with("pack_hint") { world in
            for queue in ["detdiffusion.v1.pack.archive", "detdiffusion.v1.pack.archive.high"] {
                try delete(queue)
            }
            try world.enqueue("unpacked", limit: 16)
            let worker = try world.commands.run("worker", TestWorld.worker + ["--no-pack", "--log-level", "warning"])
            #expect(worker.status == 0 && worker.errors.isEmpty, "\(worker.errors)")
            #expect(try world.sql("SELECT state, count(*) FROM shards GROUP BY state") == ["generated|2"])
            // Nobody reminds this packer: it packs what was hinted to it.
            let packer = try world.commands.run(
                "worker", TestWorld.worker + ["--generator", "sketch", "--hint-horizon", "1000"])
            #expect(packer.status == 0, "\(packer.errors)")
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
        }
    }

    /// Deletes a queue as it is on a broker where nobody has packed yet.
    private func delete(_ queue: String) throws {
        let result = try RunningProcess(
            Surroundings.root + "/ops/stack", ["ctl", "-q", "-p", "detdiffusion", "delete_queue", queue]
        ).wait()
        guard result.status == 0 || result.errors.contains("not found") || result.errors.contains("not exist") else {
            throw ProcessFailure("delete_queue \(queue): \(result.errors)")
        }
    }
}
