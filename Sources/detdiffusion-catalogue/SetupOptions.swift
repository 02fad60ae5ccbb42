// What `provision` and `doctor` are both told.

import ArgumentParser
import Console
import Foundation
import Provisioning
import Tasks

/// The deployment that is set up or examined.
struct SetupOptions: ParsableArguments {
    @Option(
        name: .customLong("generator"),
        help: ArgumentHelp(
            "A generator that workers serve, such as sketch; may be given more than once.", valueName: "name"))
    var generators: [String] = ["sketch"]

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

    /// The management interface, where one was named.
    func management() throws -> ManagementURL? {
        let text = try optionalSetting(managementURL, variable: "RABBITMQ_MANAGEMENT_URL")
        guard let text else { return nil }
        return try reportable { try ManagementURL(text) }
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
            }
        self.init(status, error.description)
    }
}
