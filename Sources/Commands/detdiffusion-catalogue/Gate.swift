// `gate`: how many images passed, at which retry, and how many objects a detector found in them.

import ArgumentParser
import Console
import Exports
import Layouts

struct GateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Shows how a job's images fared before its quality gate, also under other thresholds.",
        discussion: """
            Nothing is detected anew: the score and overlap of each object's best detection are kept with the image. The same \
            thresholds choose images in `export`.
            """)

    @Option(help: ArgumentHelp("The job.", valueName: "name")) var job: String
    @Option(help: ArgumentHelp("The least share of an image's easy objects. Default: the gate's.", valueName: "share"))
    var minRecall: Double?
    @Option(help: ArgumentHelp("The score from which a detection counts. Default: the gate's.", valueName: "score"))
    var minScore: Double?
    @Flag(help: "One JSON object instead of a table.") var json = false
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let catalogue = try await options.open()
            let report = try await exporting {
                let source = try await ExportSource.load(job: job, from: catalogue, allowingIncomplete: true)
                return try await GateReport(
                    .init(minRecall: minRecall, minScore: minScore), of: source, in: catalogue)
            }
            if json { try JSONLines().write(report) } else { Self.show(report) }
        }
    }

    private static func show(_ report: GateReport) {
        let rules = report.rules
        tell(
            "\(report.job): \(report.detector), score from \(report.minScore), IoU over \(rules.minIoU)"
                + (rules.sameClass ? ", same class" : ""))
        tell(
            "at least \(percent(report.minRecall)) of the easy objects, \(rules.retries) retries, otherwise "
                + rules.otherwise.rawValue)
        tell("")
        var images = Table("images", "count", "share")
        images.append("judged", Format.count(report.images), "")
        images.append("passed", Format.count(report.passed), share(report.passed, of: report.images))
        let failed = report.images - report.passed
        images.append("not passed", Format.count(failed), share(failed, of: report.images))
        for (retry, count) in report.retries.enumerated() {
            images.append(
                retry == 0 ? "of the first seed" : "of retry \(retry)", Format.count(count),
                share(count, of: report.images))
        }
        tell(images.text)
        tell("")
        var objects = Table("objects", "count", "found", "share")
        for (name, part) in [("easy", report.easy), ("hard", report.hard)] {
            objects.append(name, Format.count(part.count), Format.count(part.found), share(part.found, of: part.count))
        }
        tell(objects.text)
    }

    private static func share(_ part: Int, of whole: Int) -> String {
        whole == 0 ? "-" : percent(Double(part) / Double(whole))
    }

    /// `93.2%`.
    private static func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10)%" }
}
