// `migrate`: brings the schema to this program's version.

import ArgumentParser
import Catalogue
import Console
import Postgres
import Provisioning

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Applies the migrations that the catalogue lacks, once; refuses a schema that drifted.",
        discussion: """
            With --store, or DETDIFFUSION_STORE, the object directory gets the file that says which catalogue it belongs to, \
            where it has none yet: a new one, or one of an earlier version that holds what this catalogue recorded.
            """)

    @OptionGroup var store: StoreSetupOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            _ = try store.store.optionalSite()
            let catalogue = try options.connect()
            let applied = try await catalogue.migrate()
            for migration in applied { tell("applied \(migration.version) \(migration.name)") }
            if applied.isEmpty {
                tell("the schema is at version \(Catalogue.migrations.last?.version ?? 0); nothing to do")
            }
            for rule in try await catalogue.brokenRules() {
                remark("\(rule); new rows are held to it; run `detdiffusion-catalogue reconcile --fix`, then `migrate`")
            }
            do {
                if let step = try await store.provision(for: catalogue) { tell(step.detail) }
            } catch let error as ProvisioningError {
                throw CommandError(error)
            }
        }
    }
}
