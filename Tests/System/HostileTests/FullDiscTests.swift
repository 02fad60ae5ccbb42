// A disc that fills while workers and exports write: nothing is half-written, nothing is lost, and room mends it.

import Fixtures
import Foundation
import Postgres
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Mount.isPermitted, Comment(rawValue: Mount.missing)))
struct FullDiscTests {
    private static let worker = [
        "run", "--batch", "4", "--lease", "3", "--hint-horizon", "0.5", "--exit-when-idle", "0.7", "--log-level",
        "warning",
    ]

    @Test(.timeLimit(.minutes(2)))
    func aWorkerWaitsForRoomAndCountsNoAttempt() throws {
        try TestWorld.with("disc") { world in
            let mount = try Mount(at: world.store, size: "200k")
            try world.commands.succeed("catalogue", ["migrate", "--adopt-store"])
            try world.enqueue("disc", limit: 16, ["--size", "512x512"])
            let process = try world.commands.start("worker", Self.worker)
            try process.waitFor("No space left", limit: .seconds(30))
            #expect(process.isRunning)
            // An object under its name is whole, however full the disc is.
            let images =
                FileManager.default.enumerator(atPath: world.store + "/objects")?.compactMap { $0 as? String } ?? []
            for image in images where image.hasSuffix(".png") {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: world.store + "/objects/" + image))
                #expect(bytes.suffix(8).prefix(4) == Data("IEND".utf8), "\(image)")
            }
            try mount.grow(to: "64m")
            let result = try process.wait(limit: .seconds(60))
            #expect(result.status == 0, "\(result.errors.suffix(2000))")
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
            #expect(try world.sql("SELECT max(attempt) FROM tasks") == ["0"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: world.store + "/tmp").isEmpty)
            try world.commands.succeed("catalogue", ["audit"])
            try exportToFullDisc(world)
            mount.unmount()
        }
    }

    private func exportToFullDisc(_ world: TestWorld) throws {
        let scratch = try Scratch()
        let mount = try Mount(at: scratch.path, size: "16k")
        for form in ["coco", "webdataset"] {
            let out = scratch.path + "/out"
            let result = try world.commands.run("catalogue", ["export", form, "--job", "disc", "--out", out])
            Refusal.expect(result, status: 73, says: [scratch.path, "No space left"], form)
            #expect(try scratch.entries().isEmpty, "\(form)")
        }
        let sheet = scratch.path + "/sheet.png"
        let result = try world.commands.run("catalogue", ["sheet", "--job", "disc", "--out", sheet])
        Refusal.expect(result, status: 73, says: [sheet], "sheet")
        #expect(try scratch.entries().isEmpty)
        withExtendedLifetime(mount) {}
    }
}
