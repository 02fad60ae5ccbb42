// `attributes`: which objects a detect job's detector finds easy, and which hard.

import ArgumentParser
import Attributes
import Catalogue
import Console
import ErrorLines
import Files
import Pixels
import Tasks

struct AttributesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attributes",
        abstract: "Shows how many objects a detector finds easy and hard, by box area and by category.",
        discussion: """
            The job is one of `detdiffusion-producer attributes`. With another --gamma, --beta or --same-class than the job's own \
            the attributes are computed anew from the kept detections; nothing is detected again, and nothing is stored.
            """)

    @Option(help: ArgumentHelp("The job.", valueName: "name")) var job: String
    @Option(help: "Score threshold of eq. 2. Default: that of the stored attributes.") var gamma: Double?
    @Option(help: "IoU threshold of eq. 2. Default: that of the stored attributes.") var beta: Double?
    @Flag(
        inversion: .prefixedNo,
        help: "Whether a detection must have the object's category. Default: as the stored attributes.")
    var sameClass: Bool?
    @Option(help: ArgumentHelp("Draw stacked bars into this PNG.", valueName: "file")) var chart: String?
    @Flag(help: "One JSON object.") var json = false
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            for (flag, value) in [("--gamma", gamma), ("--beta", beta)] {
                if let value, !JobRanges.thresholds.contains(value) {
                    throw CommandError(.usage, "\(flag): expected a number from 0 to 1, found \(value)")
                }
            }
            let catalogue = try await options.open()
            let recorded = try await catalogue.job(named: job)
            guard recorded.kind == TaskKind.detect.rawValue else {
                throw CommandError(
                    .refused, "job '\(job)': expected a job of kind \(TaskKind.detect), found kind \(recorded.kind)")
            }
            let survey = try await AttributeSurvey.read(
                job: recorded, gamma: gamma, beta: beta, sameClass: sameClass,
                from: catalogue)
            if let chart {
                let png = try survey.chart().png()
                do throws(FileFailure) {
                    try WholeFile.write(png, to: chart)
                } catch {
                    throw CommandError(.cannotWrite, error.line)
                }
            }
            if json { try JSONLines().write(survey) } else { tell(survey.text) }
        }
    }
}

extension AttributeSurvey {
    /// Lines of at most 80 characters.
    fileprivate var text: String {
        var lines = [
            "job        \(ErrorLine.beginning(of: job, limit: 60))",
            "detector   \(detector) \(detectorDigest.prefix(12))",
            "images     \(Format.count(images)) of \(Format.count(tasks)), \(Format.count(detections)) detections",
        ]
        let stored = Self.rule(storedGamma, storedBeta, storedSameClass)
        if isStored {
            lines.append("attributes stored, with \(stored)")
        } else {
            lines.append("attributes computed now, with \(Self.rule(gamma, beta, sameClass))")
            lines.append("           (stored ones: \(stored))")
        }
        if background > 0 {
            lines.append(
                "background \(Format.count(background)) objects that the detector cannot name, not counted below")
        }
        let all = Row(name: "total", tally: total)
        return (lines + ["", Self.table("area", sizes + [all]), "", Self.table("category", categories)])
            .joined(separator: "\n")
    }

    private static func rule(_ gamma: Double, _ beta: Double, _ sameClass: Bool) -> String {
        "gamma \(gamma), beta \(beta)" + (sameClass ? ", same class" : "")
    }

    private static let barWidth = 16

    private static func table(_ subject: String, _ rows: [Row]) -> String {
        var table = Table(subject.padding(toLength: 22), "objects", "easy", "hard", "easy %", "")
        for row in rows {
            let easy = Int((row.tally.share * Double(barWidth)).rounded())
            table.append(
                ErrorLine.beginning(of: row.name, limit: 21), Format.count(row.tally.objects),
                Format.count(row.tally.easy), Format.count(row.tally.hard), row.tally.percent,
                row.tally.objects == 0
                    ? "" : String(repeating: "#", count: easy) + String(repeating: ".", count: barWidth - easy))
        }
        return table.text
    }
}

extension AttributeTally {
    fileprivate var percent: String {
        guard objects > 0 else { return "-" }
        let tenths = Int((share * 1000).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}

extension String {
    fileprivate func padding(toLength length: Int) -> String {
        self + String(repeating: " ", count: max(0, length - count))
    }
}
