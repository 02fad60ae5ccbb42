// Passwords leave this process only as what the server stores.

import CPostgres

extension Connection {
    /// What the server keeps of a password (SCRAM-SHA-256), for `ALTER ROLE … PASSWORD`: so the password itself
    /// neither travels nor appears in the server's log.
    /// - Parameter role: the role that the password is for.
    public func passwordVerifier(_ password: String, role: String) throws(PostgresError) -> String {
        try onSession { session throws(PostgresError) in try session.passwordVerifier(password, role: role) }
    }
}

extension Session {
    func passwordVerifier(_ password: String, role: String) throws(PostgresError) -> String {
        guard let verifier = unsafe PQencryptPasswordConn(handle, password, role, "scram-sha-256") else {
            throw PostgresError(.sql("XX000"), "PostgreSQL \(url): the password of role \(role) could not be encrypted")
        }
        defer { unsafe PQfreemem(verifier) }
        return unsafe String(cString: verifier)
    }
}
