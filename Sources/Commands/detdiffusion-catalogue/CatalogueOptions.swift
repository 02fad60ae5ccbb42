// How every subcommand opens the catalogue and narrows what it shows.

import ArgumentParser
import Catalogue
import Console
import Logging

/// The options of every subcommand that asks the catalogue.
struct CatalogueOptions: ParsableArguments {
    @OptionGroup var database: DatabaseOptions
    @OptionGroup var logging: LoggingOptions

    /// Opens the catalogue, which must have this program's schema.
    func open() async throws -> Catalogue {
        let catalogue = try connect()
        try await catalogue.requireCurrentSchema()
        return catalogue
    }

    /// Opens the catalogue and refuses the name of a job that it does not have: no rows would look like no work.
    func open(job name: String?) async throws -> Catalogue {
        let catalogue = try await open()
        if let name { _ = try await catalogue.job(named: name) }
        return catalogue
    }

    /// Opens the catalogue whatever its schema is.
    func connect() throws -> Catalogue {
        Catalogue(
            url: try database.url(), applicationName: "detdiffusion-catalogue",
            logger: logging.bootstrap("detdiffusion-catalogue"))
    }
}

/// `--json`.
struct RecordOptions: ParsableArguments {
    @Flag(help: "One JSON object per line.")
    var json = false

    @Option(help: ArgumentHelp("At most this many rows.", valueName: "n"))
    var limit: Int?

    /// Refuses a limit that means nothing.
    func validate() throws {
        guard (limit ?? 0) >= 0 else {
            throw ValidationError("--limit: expected 0 or more rows, found \(limit ?? 0)")
        }
    }

    /// Writes records as they come, as JSON lines or as a table to which `append` adds one.
    func write<Record: Encodable & Sendable>(
        _ pages: RecordPages<Record>, as table: Table, append: (inout Table, Record) -> Void
    ) async throws {
        var table = table
        let lines = JSONLines()
        for try await page in pages {
            if json {
                for record in page { try lines.write(record) }
            } else {
                for record in page { append(&table, record) }
                tell(table.takeText())
            }
        }
        if !json, !table.isBegun { tell(table.takeText()) }
    }
}
