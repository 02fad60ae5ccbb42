// `migrate`: brings the schema to this program's version.

import ArgumentParser
import Catalogue
import Console
import Postgres

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Applies the migrations that the catalogue lacks, once; refuses a schema that drifted.")

    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            let applied = try await options.connect().migrate()
            for migration in applied { tell("applied \(migration.version) \(migration.name)") }
            if applied.isEmpty {
                tell("the schema is at version \(Catalogue.migrations.last?.version ?? 0); nothing to do")
            }
        }
    }
}
