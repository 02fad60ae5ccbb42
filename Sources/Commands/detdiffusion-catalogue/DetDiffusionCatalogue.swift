// The command `detdiffusion-catalogue`: everything that operators and trainers ask of the catalogue.

import ArgumentParser
import Console

@main
struct DetDiffusionCatalogue: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detdiffusion-catalogue",
        abstract: "Queries and controls jobs, checks and mends what is stored, exports finished shards.",
        discussion: """
            Servers and object directory are found in AMQP_URL, DATABASE_URL and DETDIFFUSION_STORE; flags override them.
            Exit codes: 0 done, 1 what was checked does not hold, 64 wrong options, 65 unreadable file contents, 66 missing file, 69 a server is away, 73 cannot write, \
            75 stopped before the end, 77 wrong credentials, 78 refused by the catalogue.
            """,
        version: detdiffusionVersion,
        groupedSubcommands: [
            .init(
                name: "Looking",
                subcommands: [
                    JobsCommand.self, ShardsCommand.self, TasksCommand.self, OutputsCommand.self, ResultsCommand.self,
                    WorkersCommand.self, WatchCommand.self,
                ]),
            .init(
                name: "Control",
                subcommands: [
                    PauseCommand.self, ResumeCommand.self, CancelCommand.self, RetryCommand.self, FinishCommand.self,
                    PurgeCommand.self,
                ]),
            .init(
                name: "Using",
                subcommands: [ExportCommand.self, SheetCommand.self, GateCommand.self, AttributesCommand.self]),
            .init(
                name: "Trust",
                subcommands: [
                    AuditCommand.self, VerifyCommand.self, ReconcileCommand.self, CollectCommand.self,
                ]),
            .init(name: "Setting up", subcommands: [ProvisionCommand.self, DoctorCommand.self, MigrateCommand.self]),
        ])

    static func main() async { await start() }
}
