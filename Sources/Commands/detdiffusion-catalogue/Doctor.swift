// `doctor`: is this deployment safe to work with?

import ArgumentParser
import Console
import Foundation
import Logging
import Provisioning

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Checks broker, database, catalogue and store; refuses what would lose work and names the fix.",
        discussion: "Exit codes: 0 when nothing failed, warnings or not; 1 otherwise.")

    @Option(
        name: .customLong("rabbitmqctl"),
        help: ArgumentHelp(
            "A command line that runs rabbitmqctl on the broker, such as 'ops/stack ctl'. Default: "
                + "$DETDIFFUSION_RABBITMQCTL.",
            valueName: "command"))
    var control: String?

    @Option(help: ArgumentHelp("Time for each group of checks.", valueName: "seconds"))
    var limit = 12

    @OptionGroup var setup: SetupOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var database: DatabaseOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var logging: LoggingOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard (1...600).contains(limit) else {
                throw CommandError(.usage, "--limit: expected 1 to 600 seconds, found \(limit)")
            }
            let results = await Provisioning.Doctor(
                subject(), limit: .seconds(limit), logger: logging.bootstrap("detdiffusion-catalogue")
            ).examine()
            try report(results)
            if results.contains(where: { $0.verdict == .fail }) { throw fail() }
        }
    }

    private func subject() -> Doctor.Subject {
        let management: Result<ManagementURL, any Error>? =
            switch Result(catching: setup.management) {
            case .success(nil): nil
            case .success(let url?): .success(url)
            case .failure(let error): .failure(error)
            }
        let command = control ?? ProcessInfo.processInfo.environment["DETDIFFUSION_RABBITMQCTL"]
        return Doctor.Subject(
            broker: Result(catching: broker.url), management: management,
            controlCommand: command.flatMap { $0.isEmpty ? nil : $0 }, database: Result(catching: database.url),
            store: Result(catching: store.site), generators: setup.capabilities,
            detectors: setup.detectorCapabilities, rolePrefix: setup.rolePrefix)
    }

    private func report(_ results: [CheckResult]) throws {
        if setup.json {
            let lines = JSONLines()
            for result in results { try lines.write(result) }
            return
        }
        tell(AlignedLines.text(results.map { ($0.area.rawValue, $0.verdict.rawValue, $0.check, $0.found, $0.fix) }))
        let failed = results.count { $0.verdict == .fail }, warned = results.count { $0.verdict == .warn }
        tell("\n\(results.count) checks, \(failed) failed, \(warned) with a warning")
    }
}
