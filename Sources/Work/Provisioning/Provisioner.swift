// Setting up an existing broker and database; again and again gives the same.

import Catalogue
public import Logging
import Messaging
public import Postgres
public import Tasks

/// Makes queues, policies, schema, roles and rights, or says exactly what an administrator has to do.
///
/// Every step is idempotent: what is there as it should be is left alone and reported as present.
public struct Provisioner: Sendable {
    /// What to provide for.
    public struct Plan: Sendable {
        /// The generators whose queues are made.
        public var generators: [Capability]
        /// The detectors whose queues are made.
        public var detectors: [Capability]
        /// What the three roles' names begin with; several catalogues of one server need several.
        public var rolePrefix: String
        /// The roles' passwords; without it new roles get none and cannot log in with one yet.
        public var passwords: PasswordFile?
        /// Look, and change nothing.
        public var isDryRun: Bool

        /// Plans for these generators and detectors.
        /// - Throws: ``ProvisioningError`` when the prefix is no plain name.
        public init(
            generators: [Capability], detectors: [Capability] = [], rolePrefix: String = "detdiffusion",
            passwords: PasswordFile? = nil, isDryRun: Bool = false
        ) throws(ProvisioningError) {
            guard rolePrefix.wholeMatch(of: /[a-z_][a-z0-9_]{0,40}/) != nil else {
                throw ProvisioningError(
                    .invalid,
                    "role prefix '\(rolePrefix)': expected up to 41 of a-z, 0-9 and _, beginning with a letter")
            }
            for generator in generators + detectors
            where generator.rawValue.wholeMatch(of: /[a-z0-9][a-z0-9.\-]{0,99}/) == nil {
                throw ProvisioningError(
                    .invalid,
                    "generator '\(generator)': expected up to 100 of a-z, 0-9, '.' and '-', as in \(GeneratorName.sketch)"
                )
            }
            self.generators = generators
            self.detectors = detectors
            self.rolePrefix = rolePrefix
            self.passwords = passwords
            self.isDryRun = isDryRun
        }
    }

    let plan: Plan
    let logger: Logger
    let limit: Duration = .seconds(60)
    var topology: WorkTopology { WorkTopology(generators: plan.generators, detectors: plan.detectors) }

    /// Provides for a plan.
    public init(plan: Plan, logger: Logger) {
        self.plan = plan
        self.logger = logger
    }

    /// Sets up the database: roles first, so that migrations can grant, then the schema, then exactly
    /// the rights needed.
    /// - Throws: the first failure that is not a missing permission of this user.
    public func provision(database url: DatabaseURL) async throws -> [ProvisionStep] {
        let connection = Connection(url: url, applicationName: "detdiffusion provision", logger: logger)
        var steps: [ProvisionStep] = []
        do {
            for role in DatabaseRole.allCases { steps.append(try await provision(role, on: connection)) }
            let schema = try await migrate(connection)
            steps.append(schema)
            steps.append(try await restrictEveryone(on: connection))
            for role in DatabaseRole.allCases { steps.append(try await grant(role, on: connection)) }
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        return steps
    }

    private func migrate(_ connection: Connection) async throws -> ProvisionStep {
        let catalogue = Catalogue(connection: connection)
        let version = Catalogue.migrations.last?.version ?? 0
        let pending = try await catalogue.pendingMigrations()
        let names = pending.map { "\($0.version) \($0.name)" }.joined(separator: ", ")
        if pending.isEmpty { return ProvisionStep(.postgreSQL, "schema", .present, "version \(version)") }
        if plan.isDryRun { return ProvisionStep(.postgreSQL, "schema", .planned, "apply \(names)") }
        do {
            _ = try await catalogue.migrate()
            return ProvisionStep(.postgreSQL, "schema", .done, "applied \(names)")
        } catch let error as PostgresError where error.sqlstate == "42501" {
            return ProvisionStep(
                .postgreSQL, "schema", .todo, "this user may not create tables (\(error.description))",
                instructions: ["DATABASE_URL=… detdiffusion-catalogue migrate    # as the owner of the database"])
        }
    }
}
