// What `plan` shows: what each rule dropped, what is left, and how much it will be.

import Console
import Digests
import ErrorLines
import Foundation
import Generation
import Layouts
import Tasks

/// The report of a planned job, as text or as one JSON object.
struct PlanReport: Encodable {
    var images: Int
    var objects: Int
    var tasks: Int
    var shards: Int
    var estimatedBytes: Int
    var specification: String
    var statistics: PlanStatistics
    /// What the annotated boxes look like.
    var annotatedBoxes: BoxSurvey
    /// What the detections look like, for strategy origin.
    var detections: DetectionSurvey?
    /// What evening out does to the real set.
    var rebalance: RebalanceReport?
    /// SHA-256 of the canonical rules of strategy mixed.
    var rulesDigest: String?
    /// What a worker needs, as `provision --generator` takes it.
    var capability: String
    /// The detector that looks at the images, and the rules of its gate.
    var gate: Gate?
    /// What is odd about the files, a line each.
    var remarks: [String]

    /// A gate as people read it.
    struct Gate: Encodable {
        var detector: String
        var detectorDigest: String
        var rules: QualityGate
    }

    init(_ job: PlannedJob) throws {
        images = job.images
        objects = job.objectCount
        tasks = job.taskCount
        shards = job.shardCount
        estimatedBytes = job.estimatedBytes
        specification = try job.specification.canonicalJSON()
        statistics = job.plan.statistics
        annotatedBoxes = job.annotatedBoxes
        detections = job.detections
        rebalance = job.rebalanced?.report
        rulesDigest = job.specification.rules?.digest.hex
        capability = job.specification.capability.rawValue
        gate = job.specification.gate.map {
            Gate(detector: $0.detector, detectorDigest: $0.detectorDigest.hex, rules: $0.rules)
        }
        remarks = job.remarks.map(\.text)
    }

    var text: String {
        var lines = [
            "subset    \(Format.count(statistics.images)) images, \(Format.count(statistics.objects)) objects",
            "job       \(Format.count(images)) images, \(Format.count(objects)) objects, "
                + "\(Format.count(tasks)) tasks in \(Format.count(shards)) shards, about "
                + "\(Format.bytes(estimatedBytes)) of images and as much again once packed",
        ]
        if let gate {
            lines += [
                "gate      \(gate.detector) \(gate.detectorDigest.prefix(12)), at least \(gate.rules.minRecall) of the easy objects, "
                    + "\(gate.rules.retries) retries, otherwise \(gate.rules.otherwise.rawValue)",
                "provision --generator \(capability)",
            ]
        }
        lines += remarks.map { "beware    " + $0 }
        lines.append("")
        var drops = Table("dropped", "rule", "count")
        for drop in statistics.droppedImages { drops.append("images", drop.rule.rawValue, Format.count(drop.count)) }
        for drop in statistics.droppedAnnotations {
            drops.append("objects", drop.rule.rawValue, Format.count(drop.count))
        }
        lines += [drops.text, ""]
        var attributes = Table("attribute", "objects")
        for count in statistics.attributes { attributes.append(count.attribute.rawValue, Format.count(count.objects)) }
        lines += [attributes.text, ""]
        if let rules = statistics.rules { lines += [Self.table(of: rules), ""] }
        if let rebalance { lines += [Self.text(of: rebalance), ""] }
        var categories = Table("category", "objects", "")
        let most = max(1, statistics.categories.map(\.objects).max() ?? 1)
        for category in statistics.categories where category.objects > 0 {
            let bar = String(repeating: "#", count: (category.objects * 40 + most - 1) / most)
            categories.append(category.name, Format.count(category.objects), bar)
        }
        lines.append(categories.text)
        return lines.joined(separator: "\n")
    }

    /// The most characters of a rule's words, for lines of 80.
    private static let longestWords = 38

    private static func text(of report: RebalanceReport) -> String {
        func share(_ value: Double) -> String { String(format: "%.3f", value * 100) }
        var table = Table("bin", "real", "generated", "real %", "merged %", "target %")
        for bin in report.bins where bin.real > 0 || bin.generated > 0 || bin.target > 0 {
            table.append(
                ErrorLine.beginning(of: bin.name, limit: 28), Format.count(bin.real), Format.count(bin.generated),
                share(bin.realShare), share(bin.mergedShare), share(bin.target))
        }
        let distances = [report.distanceBefore, report.distanceAfter].map { String(format: "%.6f", $0) }
        let end = report.reachedLimit ? "stopped by the limit" : "no further image helps"
        return [
            "rebalance \(report.by.rawValue) toward \(report.target)",
            "images    \(Format.count(report.images)) of \(Format.count(report.layouts)) layouts, at most "
                + "\(report.mostRepeats) of one; \(end)",
            "distance  \(distances[0]) before, \(distances[1]) after (KL divergence, nats)", "", table.text,
        ].joined(separator: "\n")
    }

    private static func table(of rules: [RuleOutcome]) -> String {
        var table = Table("rule", "when", "use", "objects", "easy", "hard")
        for rule in rules {
            table.append(
                rule.rule.map(String.init) ?? "-", ErrorLine.beginning(of: rule.when, limit: longestWords),
                rule.use.rawValue, Format.count(rule.objects), Format.count(rule.easy), Format.count(rule.hard))
        }
        return table.text
    }
}
