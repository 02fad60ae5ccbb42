// Looking at broker, database and store as they are, and saying what would lose work.

public import Broker
public import Logging
import Messaging
public import Postgres
public import Stores
public import Tasks

/// Checks a deployment; changes nothing but its own file in the store's `tmp`.
///
/// Every check has a limit, so an examination ends within a few of them whatever hangs.
public struct Doctor: Sendable {
    /// What to look at. A failure in place of an address becomes a result.
    public struct Subject: Sendable {
        /// The broker.
        public var broker: Result<BrokerURL, any Error>
        /// The broker's management interface; without it policies and alarms cannot be seen.
        public var management: Result<ManagementURL, any Error>?
        /// A command line that runs rabbitmqctl on the broker; tells what even the management interface does not.
        public var controlCommand: String?
        /// The catalogue's database.
        public var database: Result<DatabaseURL, any Error>
        /// Where the store is.
        public var store: Result<any StoreSite, any Error>
        /// The generators whose queues must be there.
        public var generators: [Capability]
        /// The detectors whose queues must be there.
        public var detectors: [Capability]
        /// What the roles' names begin with.
        public var rolePrefix: String

        /// Names what to look at.
        public init(
            broker: Result<BrokerURL, any Error>, management: Result<ManagementURL, any Error>? = nil,
            controlCommand: String? = nil, database: Result<DatabaseURL, any Error>,
            store: Result<any StoreSite, any Error>,
            generators: [Capability], detectors: [Capability] = [], rolePrefix: String = "detdiffusion"
        ) {
            self.broker = broker
            self.management = management
            self.controlCommand = controlCommand
            self.database = database
            self.store = store
            self.generators = generators
            self.detectors = detectors
            self.rolePrefix = rolePrefix
        }
    }

    let subject: Subject
    let limit: Duration
    let logger: Logger
    var topology: WorkTopology {
        WorkTopology(generators: subject.generators, detectors: subject.detectors)
    }

    /// Examines `subject`, giving each check at most `limit`.
    public init(_ subject: Subject, limit: Duration = .seconds(12), logger: Logger) {
        self.subject = subject
        self.limit = limit
        self.logger = logger
    }

    /// All results, by area, in the order in which a person would look.
    public func examine() async -> [CheckResult] {
        async let broker = examineBroker()
        async let management = examineManagement()
        async let timeout = examineConsumerTimeout()
        async let database = examineDatabase()
        async let store = examineStore()
        return await broker + management + timeout + database + store
    }

    /// Runs a group of checks that share a connection; what it throws becomes one failed result.
    func attempt(
        _ area: CheckResult.Area, _ check: String, fix: String, verdict: CheckResult.Verdict = .fail,
        _ body: @escaping @Sendable () async throws -> [CheckResult]
    ) async -> [CheckResult] {
        do {
            return try await Deadline.run(limit, body)
        } catch {
            return [SessionJudgement.result(error) ?? CheckResult(area, check, verdict, "\(error)", fix: fix)]
        }
    }
}
