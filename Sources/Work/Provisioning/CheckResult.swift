// What a check found: one line for people, one object for programs.

/// The outcome of one check.
public struct CheckResult: Sendable, Hashable, Codable {
    /// What the check looked at.
    public enum Area: String, Sendable, Codable, CaseIterable {
        case rabbitMQ = "RabbitMQ"
        case postgreSQL = "PostgreSQL"
        case catalogue = "Catalogue"
        case store = "Store"
    }

    /// How serious it is.
    public enum Verdict: String, Sendable, Codable, CaseIterable {
        /// As it should be.
        case ok
        /// Works, but somebody should look, or it could not be checked.
        case warn
        /// Would lose work, or keeps it from being done.
        case fail
    }

    /// What the check looked at.
    public var area: Area
    /// The check's name, stable for programs that filter.
    public var check: String
    /// How serious it is.
    public var verdict: Verdict
    /// What was found; never a password.
    public var found: String
    /// What to do; nil when nothing is to be done.
    public var fix: String?

    init(_ area: Area, _ check: String, _ verdict: Verdict, _ found: String, fix: String? = nil) {
        self.area = area
        self.check = check
        self.verdict = verdict
        self.found = found.split(whereSeparator: \.isNewline).joined(separator: " ")
        self.fix = verdict == .ok ? nil : fix
    }
}
