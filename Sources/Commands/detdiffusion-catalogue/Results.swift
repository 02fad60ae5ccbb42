// `results`: what tasks recorded that made no image.

import ArgumentParser
import Catalogue
import Console
import Files
import Foundation

struct ResultsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "results", abstract: "Lists what tasks recorded that made no image; `--out` writes it to files.",
        discussion: """
            With --out, each result becomes DIR/<shard>-<kind>-<task>.json or .bin, and files of these names are replaced. \
            Results that were lost and are made again are listed, and not written.
            """)

    @Option(help: "Only results of this job.") var job: String?
    @Option(help: "Only results of the shard with this number.") var shard: Int?
    @Option(help: ArgumentHelp("Write the results of --job into this folder.", valueName: "dir")) var out: String?
    @OptionGroup var records: RecordOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard out == nil || (job != nil && !records.json) else {
                throw CommandError(
                    .usage, "--out: expected --job with it and no --json, found \(job == nil ? "no --job" : "--json")")
            }
            let catalogue = try await options.open(job: job)
            let pages = catalogue.resultPages(CatalogueFilter(job: job, shard: shard, limit: records.limit))
            if let out { return try await write(pages, of: catalogue, to: out) }
            let table = Table("job", "shard", "task", "kind", "form", "size", "sha256", "worker", "recorded")
            try await records.write(pages, as: table) { table, result in
                table.append(
                    result.job, String(result.shard), String(result.task), result.kind, result.form,
                    Format.bytes(result.bytes), String(result.sha256.prefix(12)), String(result.worker),
                    result.lost ? "lost, made again" : result.recordedAt)
            }
        }
    }

    /// Writes one result after the other, so that no more than one is in memory.
    private func write(_ pages: RecordPages<ResultSummary>, of catalogue: Catalogue, to path: String) async throws {
        var count = 0
        do {
            try Self.makeFolder(path)
            for try await page in pages {
                for result in page where !result.lost {
                    // Recorded anew since it was listed: another one is on its way, or here already.
                    guard let content = try await catalogue.content(of: result) else { continue }
                    let ending = result.form == "json" ? "json" : "bin"
                    try WholeFile.write(
                        content, to: "\(path)/\(result.shard)-\(result.kind)-\(result.task).\(ending)")
                    count += 1
                }
            }
        } catch let error as FileFailure {
            throw CommandError(.cannotWrite, error.line)
        }
        tell("\(Format.count(count)) results of the job '\(job ?? "")' in \(path)")
    }

    private static func makeFolder(_ path: String) throws(FileFailure) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw FileFailure("create the folder", path) }
    }
}
