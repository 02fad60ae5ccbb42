// Errors that say nothing about the statement: what waiting may mend, and what a person mends.

extension PostgresError {
    /// Whether nobody may have been able to write: the server is away, a standby that has not been promoted yet, or
    /// somebody is mending it.
    public var isOutage: Bool {
        code == .unavailable || code == .commitUnknown || sqlstate == "25006" || isBeingMended
    }

    /// Whether waiting may mend it: the server is away, its answer to a COMMIT was lost, a statement took too long
    /// (57014), or the server is a standby that has not been promoted yet (25006).
    public var isTransient: Bool {
        code == .unavailable || code == .commitUnknown || code == .retryable
            || ["57014", "25006"].contains(sqlstate ?? "")
    }

    /// What a server may say that served this very user before: a password is being changed (class 28), or the
    /// catalogue is being restored, so that database (3D000), schema (3F000), tables (42P01), columns (42703) or rights
    /// (42501) are not there yet. Only a person mends it: a program that has worked before may wait for that.
    public var isBeingMended: Bool {
        code == .authentication || ["3D000", "3F000", "42P01", "42703", "42501"].contains(sqlstate ?? "")
    }
}
