// A worker's scratch folder: archives are written where it was told to, and published from there.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ScratchTests {
    /// On another file system, where there is one for everybody.
    private static let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()

    @Test(.timeLimit(.minutes(2))) func archivesAreWrittenWhereTheWorkerWasTold() throws {
        try TestWorld.with("scratch") { world in
            let folder = "\(Self.parent)/\(world.schema)"
            defer { try? FileManager.default.removeItem(atPath: folder) }  // A leftover harms no later test.
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            // What a crash left two days ago, a younger one, and somebody else's.
            let names = ["detdiffusion-1-0123456789abcdef", "detdiffusion-2-0123456789abcdef", "notes.txt"]
            for name in names { try Data("x".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
            for name in [names[0], names[2]] {
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -172_800)], ofItemAtPath: "\(folder)/\(name)")
            }
            try world.enqueue("scratch", limit: 8)
            try world.commands.succeed("worker", TestWorld.worker + ["--scratch", folder])
            #expect(try world.records("jobs").first?["state"] as? String == "finished")
            try world.commands.succeed("catalogue", ["audit"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == Array(names.dropFirst()))
            #expect(try FileManager.default.contentsOfDirectory(atPath: world.store + "/tmp").isEmpty)
        }
    }

    @Test func aScratchFolderThatCannotBeWrittenIsRefusedAtTheStart() throws {
        try TestWorld.with("scratch") { world in
            let folder = world.folder + "/file"
            try Data().write(to: URL(fileURLWithPath: folder))
            let result = try world.commands.run("worker", TestWorld.worker + ["--scratch", folder + "/x"])
            #expect(result.status == 73 && result.output.isEmpty)
            #expect(result.errors.split(separator: "\n").count == 1 && result.errors.contains(folder + "/x"))
            #expect(try world.sql("SELECT count(*) FROM workers") == ["0"])
        }
    }
}
