// What a job has to export: its finished shards and everything needed to describe their images.

public import Catalogue
import Foundation
public import Layouts
public import Tasks

/// A generate job's finished shards.
public struct ExportSource: Sendable {
    /// The job as recorded.
    public var job: RecordedJob
    /// What made its images.
    public var specification: GenerateSpecification
    /// What annotations may name, as the job's annotation files list it.
    public var categories: [Layouts.Category]
    /// When the job was made: ISO 8601, UTC.
    public var createdAt: String
    /// The finished shards by number.
    public var shards: [ShardRow]
    /// The numbers of the shards that are not finished.
    public var unfinished: [Int]

    /// Describes a source from its parts, which are taken as they are.
    init(
        job: RecordedJob, specification: GenerateSpecification, categories: [Layouts.Category], createdAt: String,
        shards: [ShardRow], unfinished: [Int]
    ) {
        self.job = job
        self.specification = specification
        self.categories = categories
        self.createdAt = createdAt
        self.shards = shards
        self.unfinished = unfinished
    }

    /// Looks a job up.
    ///
    /// Throws ``ExportError`` with code `refused` for a job of another kind, and, unless `allowingIncomplete`, for one
    /// with shards that are not finished.
    public static func load(
        job name: String, from catalogue: Catalogue, allowingIncomplete: Bool = false
    ) async throws -> ExportSource {
        let job = try await catalogue.job(named: name)
        guard job.kind == TaskKind.generate.rawValue else {
            throw ExportError(
                .refused, "cannot export the job '\(name)': expected a job of kind generate, found kind \(job.kind)")
        }
        let rows = try await catalogue.shardRows(job: job.id)
        let source = ExportSource(
            job: job, specification: try GenerateSpecification(json: job.specification),
            categories: try categories(of: job),
            createdAt: try await catalogue.jobs(CatalogueFilter(job: name)).first?.createdAt ?? "",
            shards: rows.filter { $0.state == "finished" },
            unfinished: rows.filter { $0.state != "finished" }.map(\.number))
        if !allowingIncomplete { try source.requireFinished(of: rows.count) }
        return source
    }

    private func requireFinished(of total: Int) throws(ExportError) {
        guard !unfinished.isEmpty else { return }
        let first = unfinished.prefix(5).map(String.init).joined(separator: ", ") + (unfinished.count > 5 ? ", …" : "")
        throw ExportError(
            .refused,
            "cannot export the job '\(job.name)': expected all \(total) shards finished, found "
                + "\(unfinished.count) that are not (numbers \(first)); wait for them (`detdiffusion-catalogue "
                + "watch --job \(job.name) --until finished`) or add --incomplete"
        )
    }

    private static func categories(of job: RecordedJob) throws(ExportError) -> [Layouts.Category] {
        do {
            return try JSONDecoder().decode([Layouts.Category].self, from: Data(job.categories.utf8))
        } catch {
            throw ExportError(
                .damaged,
                "cannot export the job '\(job.name)': expected its categories as JSON in the catalogue, "
                    + "found something else (\(error))"
            )
        }
    }
}
