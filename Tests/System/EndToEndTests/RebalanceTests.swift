// A job that evens out a set, from its plan to the merged annotation file that a detector is trained on.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct RebalanceTests {
    private struct Merged: Decodable {
        struct Image: Decodable { var id, width, height: Int }
        struct Annotation: Decodable { var image_id, category_id, iscrowd: Int, bbox: [Double], area: Double }
        struct Category: Decodable { var id: Int, name: String }

        var images: [Image]
        var annotations: [Annotation]
        var categories: [Category]

        /// Objects by category and by COCO's size of the stated area: those that a trainer takes.
        var counts: [String: Int] {
            let names = Dictionary(uniqueKeysWithValues: categories.map { ($0.id, $0.name) })
            let sizes = Dictionary(uniqueKeysWithValues: images.map { ($0.id, $0) })
            var counts: [String: Int] = [:]
            for row in annotations where row.iscrowd == 0 && row.area > 0 && row.bbox[2] >= 1 && row.bbox[3] >= 1 {
                guard let image = sizes[row.image_id], row.bbox[0] < Double(image.width),
                    row.bbox[1] < Double(image.height), row.bbox[0] + row.bbox[2] > 0, row.bbox[1] + row.bbox[3] > 0
                else { continue }
                let size = row.area < 1024 ? "small" : row.area < 9216 ? "medium" : "large"
                counts["\(names[row.category_id] ?? "") \(size)", default: 0] += 1
            }
            return counts
        }
    }

    private struct Report: Decodable {
        struct Rebalance: Decodable {
            struct Bin: Decodable { var name: String, real, generated: Int }
            var bins: [Bin]
            var images: Int
        }
        var rebalance: Rebalance
        var tasks: Int
    }

    @Test func theMergedSetIsThePlannedOneAndALargerLimitExtendsTheJob() throws {
        try TestWorld.with("rebalance") { world in
            let folder = FileManager.default.temporaryDirectory.path + "/rebalance-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let set = folder + "/set.json"
            try world.commands.succeed("producer", ["example", "--images", "40", "--out", set])
            func arguments(_ limit: Int) -> [String] {
                [
                    "--annotations", set, "--subset", "all", "--strategy", "hard", "--size", "64x64", "--rebalance",
                    "size-per-category", "--max-repeats", "3", "--limit", "\(limit)",
                ]
            }
            try world.commands.succeed("producer", ["enqueue", "--job", "r"] + arguments(9))
            let extended = try world.commands.succeed("producer", ["enqueue", "--job", "r"] + arguments(14))
            #expect(extended.contains("extended: 14 tasks, 5 new in 1 shards"), "\(extended)")
            let other = try world.commands.run(
                "producer", ["enqueue", "--job", "r"] + arguments(14) + ["--target", "square-root"])
            #expect(other.status == 78 && other.errors.contains("(rebalance: {"), "\(other.errors)")
            try world.commands.succeed("worker", TestWorld.worker)
            #expect(try world.commands.run("catalogue", ["audit"]).status == 0)

            let plan = try world.commands.succeed("producer", ["plan", "--json"] + arguments(14))
            let report = try JSONDecoder().decode(Report.self, from: Data(plan.utf8))
            #expect(report.tasks == 14 && report.rebalance.images == 14)
            try world.commands.succeed(
                "catalogue", ["export", "coco", "--job", "r", "--out", folder + "/out", "--with-real", set])
            let file = try Data(contentsOf: URL(fileURLWithPath: folder + "/out/annotations.json"))
            let merged = try JSONDecoder().decode(Merged.self, from: file)
            #expect(merged.images.count == 40 + 14)
            let planned = Dictionary(
                uniqueKeysWithValues: report.rebalance.bins.map { ($0.name, $0.real + $0.generated) })
            #expect(merged.counts == planned.filter { $0.value > 0 })
            #expect(report.rebalance.bins.contains { $0.generated > 0 })
        }
    }
}
