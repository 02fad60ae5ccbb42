// Exports of a job with a gate: which images are left out, and by whose thresholds.

import Archives
import Digests
import Foundation
import Layouts
import Tasks
import Testing

@testable import Catalogue
@testable import Exports
@testable import Stores

@Suite struct GateFilterTests {
    private static let gate = QualityGate(minScore: 0.5, minRecall: 1)

    /// An image of two easy objects, found with these scores.
    private static func output(
        _ imageID: Int, scores: [Double?], gate: QualityGate = gate, png: [UInt8] = []
    ) throws -> ShardOutput {
        var task = Made.task(imageID: imageID)
        for index in task.layout.objects.indices { task.layout.objects[index].attribute = .easy }
        let judgement = ImageJudgement(
            gate: gate, layout: task.layout, retry: 1, seed: 99,
            objects: scores.map { $0.map { DetectedObject(score: $0, iou: 0.8) } })
        return ShardOutput(
            number: imageID, imageID: imageID, sample: 0, payload: try task.encoded(), digest: SHA256.digest(of: png),
            bytes: png.count, judgement: judgement.encoded())
    }

    private static func kept(
        _ thresholds: GateFilter.Thresholds, otherwise: QualityGate.Otherwise
    ) throws -> [Int] {
        var gate = gate
        gate.otherwise = otherwise
        let filter = try GateFilter(thresholds, job: "made", gate: gate)
        return try [
            output(1, scores: [0.9, 0.7]), output(2, scores: [0.9, nil]), output(3, scores: [0.4, 0.4]),
            output(4, scores: [nil, nil]),
        ].filter(filter.keeps).map(\.number)
    }

    @Test func withoutThresholdsTheJobsOwnGateDecides() throws {
        #expect(try Self.kept(.init(), otherwise: .drop) == [1])
        #expect(try Self.kept(.init(), otherwise: .keep) == [1, 2, 3, 4])
    }

    @Test(arguments: QualityGate.Otherwise.allCases)
    func thresholdsChangeAfterwards(otherwise: QualityGate.Otherwise) throws {
        #expect(try Self.kept(.init(minRecall: 0.5), otherwise: otherwise) == [1, 2])
        #expect(try Self.kept(.init(minScore: 0.4), otherwise: otherwise) == [1, 3])
        #expect(try Self.kept(.init(minRecall: 0.5, minScore: 0.4), otherwise: otherwise) == [1, 2, 3])
        #expect(try Self.kept(.init(minRecall: 0), otherwise: otherwise) == [1, 2, 3, 4])
        #expect(try Self.kept(.init(minScore: 0.8), otherwise: otherwise) == [])
    }

    @Test func aJobWithoutAGateHasNoThresholds() throws {
        #expect(try GateFilter(.init(), job: "made", gate: nil).keepsAll)
        for (thresholds, gate, says) in [
            (GateFilter.Thresholds(minRecall: 0.5), nil, "enqueue it with --gate"),
            (.init(minScore: 2), Self.gate, "--min-score: expected 0 to 1, found 2.0"),
        ] {
            let error = #expect(throws: ExportError.self) { try GateFilter(thresholds, job: "made", gate: gate) }
            #expect(error?.code == .refused && error?.description.contains(says) == true, "\(error?.description ?? "")")
        }
    }

    @Test func anImageThatWasNotJudgedIsADamage() throws {
        var output = try Self.output(1, scores: [1, 1])
        output.judgement = nil
        let filter = try GateFilter(.init(), job: "made", gate: Self.gate)
        #expect(throws: ExportError.self) { try filter.keeps(output) }
        #expect(try GateFilter(.init(), job: "made", gate: nil).keeps(output))
    }

    @Test func theSeedOfAnImageIsThatOfItsTry() throws {
        #expect(try Self.output(1, scores: [1, 1]).task().seed == 99)
    }

    /// What is left out of an archive is left out, and the rest is what packing it alone would give.
    @Test func anArchiveIsWrittenAnew() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gate-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let identity = StoreIdentity(catalogue: String(repeating: "ab", count: 16), place: "made")
        try FolderSite("\(folder)/store").claim(for: identity)
        let store = try FolderStore(root: "\(folder)/store", of: identity)
        let outputs = try [
            Self.output(1, scores: [0.9, 0.9], png: [1, 1]), Self.output(2, scores: [nil, 0.9], png: [2, 2]),
            Self.output(3, scores: [0.6, 0.6], png: [3]),
        ]
        let pngs: [[UInt8]] = [[1, 1], [2, 2], [3]]
        func tar(_ places: [Int], at path: String) throws -> Int {
            let writer = try TarWriter(path: path)
            for place in places {
                try writer.append(name: outputs[place].key + ".png", contents: pngs[place])
                try writer.append(name: outputs[place].key + ".json", contents: Array("{\(place)}".utf8))
            }
            return try writer.finish()
        }
        let file = (store.scratch ?? .system).newFile()
        let bytes = try tar([0, 1, 2], at: file.path)
        let digest = try SHA256.digest(ofFileAt: file.path)
        let name = try ArchiveName(job: "made", number: 0)
        try store.publish(file, as: name, digest: digest)
        var source = try Made.source()
        source.shards = [
            ShardRow(
                id: 1, job: "made", number: 0, state: "finished", tasks: 3, done: 3, follow: "pack",
                hasFollowUpResult: false, tar: name.key, digest: digest, bytes: bytes)
        ]
        func export(_ otherwise: QualityGate.Otherwise, links: Bool) async throws -> WebDatasetExport.Result {
            var gate = Self.gate
            gate.otherwise = otherwise
            return try await WebDatasetExport(
                source, keeping: try GateFilter(.init(), job: "made", gate: gate), store: store
            ) { _ in outputs }.write(to: "\(folder)/out", samples: [3], links: links)
        }
        let expected = "\(folder)/expected.tar"
        _ = try tar([0, 2], at: expected)
        for links in [false, true] {
            let result = try await export(.drop, links: links)
            #expect(result.samples == 2 && result.leftOut == 1)
            #expect(
                try SHA256.digest(ofFileAt: "\(folder)/out/made-000000.tar") == SHA256.digest(ofFileAt: expected))
            let index = try Made.read("\(folder)/out/index.json")
            #expect(index.contains(try SHA256.digest(ofFileAt: expected).hex) && index.contains("\"leftOut\" : 1"))
            let whole = try await export(.keep, links: links)
            #expect(whole.samples == 3 && whole.leftOut == 0)
            #expect(try SHA256.digest(ofFileAt: "\(folder)/out/made-000000.tar") == digest)
        }
    }
}
