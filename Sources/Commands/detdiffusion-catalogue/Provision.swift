// `provision`: queues, policies, schema, roles and rights of an existing broker and database.

import ArgumentParser
import Catalogue
import Console
import Foundation
import Logging
import Postgres
import Provisioning

struct ProvisionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provision",
        abstract:
            "Sets up an existing broker, database and object directory, or says what an administrator has to do; safe to "
            + "run again.",
        discussion: """
            PostgreSQL: the roles producer, worker and reader with exactly the rights they need, and the schema; run it as \
            the owner of the database. RabbitMQ: quorum queues, the dead-letter queue, the control exchange, and, with \
            --management-url, the policy of the queues. Object directory: the file that says which catalogue it belongs to.
            Exit codes: 0 all is there; 1 something is left to an administrator, and the output says what; 78 the folder of \
            --store is not this catalogue's.
            """)

    @Option(
        help: ArgumentHelp(
            "The roles' passwords: a file of mode 0600 with lines such as worker=…; or `generate`, which "
                + "writes new roles' passwords to detdiffusion-passwords in this folder.",
            valueName: "file"))
    var passwords: String?

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @OptionGroup var setup: SetupOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var database: DatabaseOptions
    @OptionGroup var store: StoreSetupOptions
    @OptionGroup var logging: LoggingOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            do {
                let steps = try await provision()
                try report(steps)
                if steps.contains(where: { $0.outcome == .todo }) { throw fail() }
            } catch let error as ProvisioningError {
                throw CommandError(error)
            }
        }
    }

    private func provision() async throws -> [ProvisionStep] {
        let (databaseURL, brokerURL, management) = (try database.url(), try broker.url(), try setup.management())
        _ = try store.store.optionalSite()
        let passwordFile = try readPasswords()
        let logger = logging.bootstrap("detdiffusion-catalogue")
        let provisioner = Provisioner(
            plan: try Provisioner.Plan(
                generators: setup.capabilities, detectors: setup.detectorCapabilities,
                rolePrefix: setup.rolePrefix, passwords: passwordFile, isDryRun: dryRun),
            logger: logger)
        if let passwordFile, passwordFile.isNew { remark("wrote new passwords to \(passwordFile.path) (mode 0600)") }
        let ofDatabase = try await provisioner.provision(database: databaseURL)
        let ofStore = try await provisionStore(in: databaseURL, logger: logger)
        return ofDatabase + ofStore + (try await provisioner.provision(broker: brokerURL, management: management))
    }

    private func provisionStore(in database: DatabaseURL, logger: Logger) async throws -> [ProvisionStep] {
        let catalogue = Catalogue(url: database, applicationName: "detdiffusion provision", logger: logger)
        let steps: [ProvisionStep]
        if try await catalogue.pendingMigrations().isEmpty {
            steps = [
                try await store.provision(for: catalogue, isDryRun: dryRun)
                    ?? .storeLeft("not written: no folder was named")
            ]
        } else {
            steps = [dryRun ? .storePlanned : .storeLeft("not written: the schema is not there yet")]
        }
        await catalogue.close()
        return steps
    }

    private func readPasswords() throws -> PasswordFile? {
        guard let passwords else { return nil }
        guard passwords == "generate" else { return try PasswordFile(reading: passwords) }
        return dryRun ? nil : try PasswordFile(generating: "detdiffusion-passwords")
    }

    private func report(_ steps: [ProvisionStep]) throws {
        if setup.json {
            let lines = JSONLines()
            for step in steps { try lines.write(step) }
            return
        }
        tell(AlignedLines.text(steps.map { ($0.area.rawValue, $0.outcome.label, $0.subject, $0.detail, nil) }))
        for area in CheckResult.Area.allCases {
            let instructions = steps.filter { $0.area == area && $0.outcome == .todo }.flatMap(\.instructions)
            guard !instructions.isEmpty else { continue }
            tell(
                "\nFor an administrator of \(area.rawValue):\n" + instructions.map { "  \($0)" }.joined(separator: "\n")
            )
        }
    }
}

extension ProvisionStep.Outcome {
    fileprivate var label: String {
        switch self {
        case .present: "there"
        case .done: "done"
        case .planned: "would"
        case .todo: "to do"
        }
    }
}
