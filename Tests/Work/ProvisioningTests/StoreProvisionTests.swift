// An object directory becomes a catalogue's, once; one of an earlier version is adopted.

import Catalogue
import Fixtures
import Foundation
import Postgres
import Stores
import Testing

@testable import Provisioning

@Suite(.enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"), .serialized)
struct StoreProvisionTests {
    /// A catalogue with nothing recorded, and a folder of the test's own.
    private func with(_ body: (TestCatalogue, String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "provision-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }  // A leftover harms no later test.
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await TestCatalogue.with { test in try await body(test, folder) }
    }

    private func provision(
        _ test: TestCatalogue, _ root: String, adopts: Bool = false, isDryRun: Bool = false
    ) async throws -> ProvisionStep.Outcome {
        try await StoreProvision(catalogue: test.catalogue, site: FolderSite(root), adopts: adopts, isDryRun: isDryRun)
            .run()
            .outcome
    }

    private func expectRefusal(
        _ test: TestCatalogue, _ root: String, adopts: Bool = false, says: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for isDryRun in [true, false] {
            let error = await #expect(throws: ProvisioningError.self, sourceLocation: sourceLocation) {
                try await provision(test, root, adopts: adopts, isDryRun: isDryRun)
            }
            #expect(error?.code == .contradiction, sourceLocation: sourceLocation)
            for part in [root, try await test.catalogue.identity().id.prefix(12).description] + says {
                #expect(
                    error?.description.contains(part) == true, "\(part): \(String(describing: error))",
                    sourceLocation: sourceLocation)
            }
        }
    }

    /// Records a finished shard with an archive of 5 bytes.
    private func recordArchive(_ test: TestCatalogue) async throws {
        _ = try await test.enqueue("job", tasks: 2, shardSize: 2)
        try await test.execute(
            """
            UPDATE shards SET state = 'finished', done = 2, tar = 'shards/job/job-000000.tar', tar_bytes = 5,
                   tar_sha256 = sha256('bytes'), finished_at = now()
            """)
    }

    private func write(_ text: String, to path: String) throws {
        let file = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    @Test func aNewCatalogueTakesANewFolderOnce() async throws {
        try await with { test, folder in
            let root = folder + "/new/store"
            #expect(try await provision(test, root, isDryRun: true) == .planned)
            #expect(!FileManager.default.fileExists(atPath: root))
            #expect(try await provision(test, root) == .done)
            #expect(try await provision(test, root) == .present)
            let identity = try await test.catalogue.identity()
            #expect(try FolderSite(root).identity()?.catalogue == identity.id)
            #expect(identity.place.contains("schema \(test.schema)"), "\(identity.place)")
            // What stands in a fresh file system does not matter, what stands where objects are does.
            try FileManager.default.createDirectory(
                atPath: folder + "/second/lost+found", withIntermediateDirectories: true)
            try await expectRefusal(test, folder + "/second", says: ["the one that was provisioned before"])
            #expect(try await provision(test, folder + "/second", adopts: true) == .done)
        }
    }

    @Test func twoAtOnceMakeOneObjectDirectory() async throws {
        try await with { test, folder in
            let outcomes = await withTaskGroup(of: ProvisionStep.Outcome?.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        do {
                            let catalogue = try test.another()
                            let step = try await StoreProvision(
                                catalogue: catalogue, site: FolderSite("\(folder)/\(number % 2)")
                            ).run()
                            await catalogue.close()
                            return step.outcome
                        } catch {
                            return nil
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .done } == 1 && outcomes.count { $0 == .present } == 2, "\(outcomes)")
            let made = try ["0", "1"].filter { try FolderSite("\(folder)/\($0)").identity() != nil }
            #expect(made.count == 1)
        }
    }

    @Test func anObjectDirectoryOfAnEarlierVersionIsAdopted() async throws {
        try await with { test, folder in
            try await recordArchive(test)
            try await expectRefusal(
                test, folder, says: ["archives and images that it recorded, found none", "mount it"])
            try write("other bytes", to: folder + "/shards/job/job-000000.tar")
            try await expectRefusal(test, folder, says: ["found others"])
            try write("bytes", to: folder + "/shards/job/job-000000.tar")
            #expect(try await provision(test, folder, isDryRun: true) == .planned)
            #expect(try await provision(test, folder) == .done)
            #expect(try await provision(test, folder) == .present)
            // A file that somebody removed comes back where the archives are.
            try FileManager.default.removeItem(atPath: "\(folder)/\(StoreIdentity.fileName)")
            #expect(try await provision(test, folder) == .done)
        }
    }

    @Test func looseImagesShowItToo() async throws {
        try await with { test, folder in
            _ = try await test.enqueue("job", tasks: 2, shardSize: 2)
            let worker = try await test.register()
            try await test.execute("UPDATE shards SET done = 1")
            try await test.execute(
                """
                INSERT INTO outputs (shard_id, number, sha256, bytes, width, height, epoch, worker_id)
                SELECT id, 0, sha256('image'), 5, 8, 8, 1, \(worker) FROM shards
                """)
            try await expectRefusal(test, folder, says: ["found none"])
            let hex = "6105d6cc76af400325e94d588ce511be5bfdbb73b437dc51eca43917d7a43e3d"
            try write("image", to: "\(folder)/objects/\(hex.prefix(2))/\(hex.dropFirst(2)).png")
            #expect(try await provision(test, folder) == .done)
        }
    }

    @Test func aFolderOfAnotherCatalogueIsNeverTaken() async throws {
        try await with { test, folder in
            try write("x", to: folder + "/shards/strange/strange-000000.tar")
            try await expectRefusal(test, folder, says: ["there are images or archives in the folder"])
            let other = StoreIdentity(catalogue: String(repeating: "c", count: 32), place: "database c, at c:1")
            try FolderSite(folder).claim(for: other)
            for adopts in [false, true] {
                try await expectRefusal(test, folder, adopts: adopts, says: ["\(other)"])
            }
            #expect(try FolderSite(folder).identity() == other)
        }
    }

    @Test func theCommandsProvisionAndAdopt() async throws {
        try await with { test, folder in
            func run(_ arguments: [String]) throws -> ProcessResult {
                try Commands(environment: ["DATABASE_URL": test.url, "DETDIFFUSION_STORE": ""]).run(
                    "catalogue", ["migrate"] + arguments)
            }
            #expect(try run([]).output.contains("nothing to do"))
            let first = try run(["--store", folder])
            #expect(first.status == 0 && first.output.contains("\(folder) now belongs to the catalogue"), "\(first)")
            let refused = try run(["--store", folder + "/other"])
            #expect(refused.status == 78 && refused.errors.split(separator: "\n").count == 1, "\(refused)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/other"))
            let bad = try run(["--store", folder + "\n"])
            #expect(bad.status == 64 && !FileManager.default.fileExists(atPath: folder + "\n"), "\(bad)")
            #expect(try run(["--store", folder + "/other", "--adopt-store"]).status == 0)
        }
    }
}
