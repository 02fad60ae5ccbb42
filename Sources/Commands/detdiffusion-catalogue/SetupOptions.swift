// What `provision` and `doctor` are both told.

import ArgumentParser
import Catalogue
import Console
import Foundation
import Provisioning
import Tasks

/// The deployment that is set up or examined.
struct SetupOptions: ParsableArguments {
    @Option(
        name: .customLong("generator"),
        help: ArgumentHelp(
            "A generator that workers serve, such as \(GeneratorName.sketch); may be given more than once.",
            valueName: "name"))
    var generators: [String] = [GeneratorName.sketch]

    @Option(
        name: .customLong("detector"),
        help: ArgumentHelp(
            "A detector that workers serve, as `attributes --dry-run` names it: yolov4.0a1b2c3d4e5f; may be given more than "
                + "once.", valueName: "name"))
    var detectors: [String] = []

    @Option(help: ArgumentHelp("What the names of the three database roles begin with.", valueName: "prefix"))
    var rolePrefix = "detdiffusion"

    @Option(
        name: .customLong("management-url"),
        help: ArgumentHelp(
            "RabbitMQ's management interface, http://user:password@host:15672. Default: $RABBITMQ_MANAGEMENT_URL.",
            valueName: "url"))
    var managementURL: String?

    @Flag(help: "One JSON object per line.")
    var json = false

    var capabilities: [Capability] { generators.map { Capability(rawValue: $0) } }

    var detectorCapabilities: [Capability] { detectors.map { Capability(rawValue: $0) } }

    /// The management interface, where one was named.
    func management() throws -> ManagementURL? {
        let text = try optionalSetting(managementURL, variable: "RABBITMQ_MANAGEMENT_URL")
        guard let text else { return nil }
        return try reportable { try ManagementURL(text) }
    }
}

/// The object directory that gets its catalogue's identity.
struct StoreSetupOptions: ParsableArguments {
    @OptionGroup var store: StoreOptions

    @Flag(
        help: ArgumentHelp(
            "Take the folder of --store though nothing shows that it is this catalogue's: its first object directory is "
                + "lost, or was never used."))
    var adoptStore = false

    /// Gives the folder its identity; `nil` when none was named.
    func provision(for catalogue: Catalogue, isDryRun: Bool = false) async throws -> ProvisionStep? {
        guard let site = try store.optionalSite() else { return nil }
        return try await StoreProvision(
            catalogue: catalogue, site: site, adopts: adoptStore, isDryRun: isDryRun
        ).run()
    }
}

/// Gives errors of this kind the exit code of the command line.
func reportable<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let error as ProvisioningError { throw CommandError(error) }
}

extension CommandError {
    init(_ error: ProvisioningError) {
        let status: ExitStatus =
            switch error.code {
            case .invalid: .usage
            case .notAllowed: .noPermission
            case .missing, .unavailable, .timeout: .unavailable
            case .contradiction: .refused
            }
        self.init(status, error.description)
    }
}
