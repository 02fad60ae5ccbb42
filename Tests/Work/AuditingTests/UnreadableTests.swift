// What cannot be read is not lost: an audit ends, and nothing is made again.

import Archives
import Auditing
import Catalogue
import Fixtures
import Foundation
import Postgres
import Tasks
import Testing

@testable import Stores

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct UnreadableTests {
    /// Puts what nobody can read through, not even root, in the place of a file's folder: a loop of links.
    private func makeIll(_ stage: AuditStage, _ path: String) throws {
        let folder = stage.store.absolutePath(of: path.replacing(/\/[^\/]*$/, with: ""))
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: folder)
    }

    private func expectEnd(_ stage: AuditStage, code: StoreError.Code) async throws {
        let error = await #expect(throws: StoreError.self) { try await stage.audit() }
        #expect(error?.code == code)
        for fix in [false, true] {
            var lines: [String] = []
            let error = await #expect(throws: StoreError.self) {
                _ = try await stage.reconciler.reconcile(stage.job, fix: fix) { lines.append($0) }
            }
            #expect(error?.code == code && lines == [])
        }
        #expect(try await stage.test.number("SELECT count(*) FROM outputs WHERE lost_at IS NOT NULL") == 0)
        #expect(try await stage.test.number("SELECT count(*) FROM tasks WHERE state <> 'done' AND kind <> 'pack'") == 0)
    }

    @Test func anImageThatCannotBeReadIsNotLost() async throws {
        try await AuditStage.with { stage in
            try await stage.work(kinds: [.generate])
            try makeIll(stage, try ObjectName(try await stage.samples(0)[0].digest, extension: "png").key)
            try await expectEnd(stage, code: .other(ELOOP))
        }
    }

    @Test func anArchiveThatCannotBeReadIsNotLost() async throws {
        try await AuditStage.with { stage in
            try await stage.work()
            try makeIll(stage, try #require(try await stage.shard(0).tar))
            try await expectEnd(stage, code: .other(ELOOP))
        }
    }

    @Test(arguments: [[TaskKind.generate], [.generate, .pack]])
    func anObjectDirectoryThatHasGoneLosesNothing(kinds: [TaskKind]) async throws {
        try await AuditStage.with { stage in
            try await stage.work(kinds: kinds)
            let left = try await stage.away { try await expectEnd(stage, code: .away) }
            #expect(left == ["objects", "shards", "tmp"])
            #expect(try await stage.audit().1 == [])
        }
    }

    @Test func onlyWhatSaysNothingAboutAnArchiveEndsItsInspection() {
        for code in [ArchiveError.Code.full, .system(EIO), .system(ESTALE), .system(EACCES)] {
            #expect(code.isOfTheSurroundings, "\(code)")
        }
        for code in [ArchiveError.Code.missing, .truncated, .checksum, .notUstar, .irregular] {
            #expect(!code.isOfTheSurroundings, "\(code)")
        }
    }
}
