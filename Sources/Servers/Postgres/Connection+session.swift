// How a session stands: what is between it and the server, and whether its settings hold.

/// What a connection knows of its session.
public struct SessionState: Sendable, Hashable {
    /// Whether a pooler answers in the server's place.
    public var isPooled: Bool
    /// How many settings were made.
    public var settings: Int
    /// Settings that do not hold any more, with what the server shows instead.
    public var lost: [String: String]

    /// Describes a session.
    public init(isPooled: Bool, settings: Int, lost: [String: String]) {
        self.isPooled = isPooled
        self.settings = settings
        self.lost = lost
    }
}

extension Connection {
    /// Looks at the session and its settings, as they are now.
    public func sessionState() throws(PostgresError) -> SessionState {
        try onSession { session throws(PostgresError) in
            SessionState(
                isPooled: session.isPooled, settings: session.settings.count, lost: try session.lostSettings())
        }
    }
}
