// A folder that is not the catalogue's object directory is refused by every command before anything is changed.

import Catalogue
import Fixtures
import Foundation
import Postgres
import Testing

@testable import Stores

@Suite(.serialized, .enabled(if: Surroundings.hasServers, "\(Surroundings.serversMissing)"))
struct WrongStoreTests {
    private static let commands: [(String, [String])] = [
        ("catalogue", ["audit"]), ("catalogue", ["audit", "--quick"]), ("catalogue", ["verify", "--job", "job"]),
        ("catalogue", ["reconcile", "--dry-run"]), ("catalogue", ["reconcile", "--fix"]), ("catalogue", ["gc"]),
        ("catalogue", ["gc", "--older-than", "0", "--dry-run"]),
        ("catalogue", ["export", "coco", "--job", "job", "--out", "OUT"]),
        ("catalogue", ["export", "webdataset", "--job", "job", "--out", "OUT"]),
        ("catalogue", ["sheet", "--job", "job", "--out", "OUT"]), ("worker", ["run", "--exit-when-idle", "0"]),
    ]

    /// Every command with this store ends with the code and one line with these words; nothing is recorded or made.
    private func expectRefusals(_ stage: AuditStage, store: String, status: Int32, says: [String]) async throws {
        let out = stage.store.root + ".out"
        let before = try await state(stage)
        for (command, arguments) in Self.commands {
            let result = try Commands(environment: ["DATABASE_URL": stage.test.url, "DETDIFFUSION_STORE": store]).run(
                command, arguments.map { $0 == "OUT" ? out : $0 })
            let about = "\(command) \(arguments): \(result.errors)"
            #expect(result.status == status, "\(about)")
            #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty, "\(about)")
            for part in says { #expect(result.errors.contains(part), "expected '\(part)': \(about)") }
            #expect(!FileManager.default.fileExists(atPath: out), "\(about)")
        }
        #expect(try await state(stage) == before)
    }

    private func state(_ stage: AuditStage) async throws -> [Int] {
        [
            try await stage.test.number("SELECT count(*) FROM workers"),
            try await stage.test.number("SELECT count(*) FROM outputs WHERE lost_at IS NULL"),
            try await stage.test.number("SELECT count(*) FROM tasks WHERE state = 'done'"),
        ]
    }

    private func name(_ stage: AuditStage) async throws -> String {
        let identity = try await stage.test.catalogue.identity()
        return "\(StoreIdentity(catalogue: identity.id, place: identity.place))"
    }

    @Test func anEmptyMountPointAndATypoAreRefused() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let empty = stage.store.root + ".empty", typo = stage.store.root + ".typo"
            try FileManager.default.createDirectory(atPath: empty + "/objects", withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: empty) }  // A leftover harms no later test.
            let name = try await name(stage)
            try await expectRefusals(
                stage, store: empty, status: 66, says: [empty, name, "no file 'detdiffusion-store' in it"])
            #expect(try FileManager.default.subpathsOfDirectory(atPath: empty) == ["objects"])
            try await expectRefusals(stage, store: typo, status: 66, says: [typo, name, "nothing there"])
            #expect(!FileManager.default.fileExists(atPath: typo))
            #expect(try await stage.audit().1 == [])
        }
    }

    @Test func anotherCataloguesStoreIsRefusedAndBothAreNamed() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            try await AuditStage.with { other in
                try await other.work()
                let files = try FileManager.default.subpathsOfDirectory(atPath: other.store.root).sorted()
                try await expectRefusals(
                    stage, store: other.store.root, status: 78,
                    says: [other.store.root, try await name(stage), try await name(other), "--store or --database-url"])
                #expect(try FileManager.default.subpathsOfDirectory(atPath: other.store.root).sorted() == files)
            }
        }
    }

    @Test func aPathThatEndsInALineEndIsRefused() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            for (path, remnant) in [
                (stage.store.root + "\n", "a line end"), ("'\(stage.store.root)'", "a quotation mark"),
            ] {
                try await expectRefusals(
                    stage, store: path, status: 64, says: [stage.store.root, "with \(remnant) at its beginning or end"])
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
    }

    @Test func gcSaysWhatItLeft() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            let folder = stage.store.absolutePath(of: "shards/strange")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/strange-000000.tar"))
            let result = try Commands(environment: [
                "DATABASE_URL": stage.test.url, "DETDIFFUSION_STORE": stage.store.root,
            ]).run("catalogue", ["gc", "--older-than", "0"])
            #expect(result.status == 0 && result.output.contains("removed 4 objects"), "\(result)")
            #expect(
                result.errors
                    == "1 files or folders are not this catalogue's, so they stay: shards/strange/strange-000000.tar\n",
                "\(result.errors)")
        }
    }
}
