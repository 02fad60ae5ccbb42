// One thing that provisioning looked at: what it found, what it did, or what an administrator has to do.

/// One thing that must be there.
public struct ProvisionStep: Sendable, Hashable, Codable {
    /// What became of it.
    public enum Outcome: String, Sendable, Codable {
        /// It was there as it should be.
        case present
        /// This run made or changed it.
        case done
        /// A dry run would make or change it.
        case planned
        /// This user may not, or it cannot be done from here: ``ProvisionStep/instructions`` say how.
        case todo
    }

    /// The server.
    public var area: CheckResult.Area
    /// What must be there.
    public var subject: String
    /// What became of it.
    public var outcome: Outcome
    /// One line; never a password.
    public var detail: String
    /// Statements or commands for an administrator, in order.
    public var instructions: [String]

    /// The object directory gets no identity from here.
    public static func storeLeft(_ reason: String) -> ProvisionStep {
        ProvisionStep(
            .store, "identity", .todo, reason,
            instructions: [
                "DATABASE_URL=… detdiffusion-catalogue migrate --store DIR    # as the owner of the database, where DIR is mounted"
            ])
    }

    /// The object directory follows as soon as the schema is there.
    public static let storePlanned = ProvisionStep(
        .store, "identity", .planned, "write it, as soon as the schema is there")

    init(_ area: CheckResult.Area, _ subject: String, _ outcome: Outcome, _ detail: String, instructions: [String] = [])
    {
        self.area = area
        self.subject = subject
        self.outcome = outcome
        self.detail = detail.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.instructions = instructions
    }
}
