// libpq's and the server's messages, made into one line with a code.

import CPostgres
import Certificates
import Foundation

/// The fields of an error or notice of the server.
struct ServerMessage {
    var severity: String?
    var sqlstate: String?
    var message: String?
    var detail: String?
    var hint: String?
    var constraint: String?

    /// Reads them from a result.
    init(_ result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            unsafe PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { unsafe String(cString: $0) }
        }
        // The letters are PG_DIAG_* of postgres_ext.h; V is the severity that is never translated.
        severity = field("V")
        sqlstate = field("C")
        message = field("M")
        detail = field("D")
        hint = field("H")
        constraint = field("n")
    }

    /// The message with what belongs to it.
    var text: String {
        var notes: [String] = []
        if let sqlstate { notes.append("SQLSTATE \(sqlstate)") }
        if let constraint { notes.append("constraint \(constraint)") }
        if let detail { notes.append("detail: \(detail.prefix(300))") }
        if let hint { notes.append("hint: \(hint.prefix(300))") }
        return (message ?? "unknown error") + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
    }
}

extension Session {
    /// Why a result failed.
    func failure(of result: borrowing ServerResult, statement: String) -> PostgresError {
        let fields = unsafe ServerMessage(result.pointer)
        // FATAL ends the session, PANIC the server; libpq may not have seen the end of the connection yet.
        let isEnd = !isAlive || fields.severity == "FATAL" || fields.severity == "PANIC"
        guard !isEnd, let sqlstate = fields.sqlstate else {
            return lost(fields.message == nil ? lastMessage : fields.text, sqlstate: fields.sqlstate)
        }
        return PostgresError(
            PostgresError.code(sqlstate: sqlstate, constraint: fields.constraint), sqlstate: sqlstate,
            "PostgreSQL: \(fields.text) in: \(Self.excerpt(of: statement))")
    }

    /// Why a call to libpq failed that gave no result.
    func lostOrFailed(statement: String) -> PostgresError {
        guard isAlive else { return lost(lastMessage) }
        return PostgresError(
            .sql("XX000"), "PostgreSQL \(url): \(lastMessage) in: \(Self.excerpt(of: statement))")
    }

    /// Why no connection was made.
    func connectionFailure() -> PostgresError {
        let message = lastMessage
        if let objection = certificateObjection() {
            return PostgresError(.unavailable, "PostgreSQL \(url): no trusted TLS connection: \(objection)")
        }
        let needsPassword = unsafe PQconnectionNeedsPassword(handle) == 1
        let sqlstate = needsPassword ? nil : refusalState().map { PoolerRefusal.state(for: $0, message: message) }
        let found = "PostgreSQL \(url): \(message)" + (sqlstate.map { " (SQLSTATE \($0))" } ?? "")
        switch sqlstate.map({ PostgresError.code(sqlstate: $0, constraint: nil) }) {
        case _ where needsPassword, .authentication:
            return PostgresError(
                .authentication, sqlstate: sqlstate,
                "\(found); correct user and password in the database URL, or set PGPASSWORD")
        case .sql("3D000"):
            return PostgresError(
                .sql("3D000"), sqlstate: sqlstate,
                "\(found); create the database or correct its name in the database URL")
        // The database takes no connections for now, as while it is being restored.
        case .sql("55000"):
            return PostgresError(
                .unavailable, sqlstate: sqlstate, "\(found); let the database take connections again (ALTER DATABASE)")
        case .sql("42501"):
            return PostgresError(
                .sql("42501"), sqlstate: sqlstate, "\(found); grant the right, or correct the user in the database URL")
        case .sql:
            return PostgresError(
                .configuration, sqlstate: sqlstate, "\(found); correct what the database URL asks of the server")
        // libpq gave up before it asked any host: a parameter, or a file that one names, is not what it takes. Its words
        // quote the value.
        case _ where sqlstate == nil && !Self.isOfTheNetwork(message):
            return PostgresError(
                .configuration,
                "PostgreSQL \(url): cannot connect: a parameter of the database URL, or a file or service that it names, is not "
                    + "what libpq takes; correct it")
        default:
            return PostgresError(
                .unavailable, sqlstate: sqlstate,
                "PostgreSQL \(url): cannot connect: \(message); start the server or correct host and port in "
                    + "the database URL")
        }
    }

    /// Whether libpq's words are about a host that it asked.
    private static func isOfTheNetwork(_ message: String) -> Bool {
        ["connection to server", "could not translate host name", "server closed", "timeout expired", "could not"]
            .contains {
                message.contains($0)
            }
    }

    /// What is wrong with the server's certificate, where libpq says that something is and not what.
    private func certificateObjection() -> String? {
        guard rawMessage.contains("certificate verify failed") else { return nil }
        let name = unsafe PQhost(handle).map { unsafe String(cString: $0) } ?? ""
        let address = unsafe PQhostaddr(handle).map { unsafe String(cString: $0) } ?? ""
        let port = unsafe PQport(handle).map { unsafe String(cString: $0) } ?? ""
        let authorities = trustedAuthorities
        return CertificateFault.ofPostgres(
            host: address.isEmpty ? name : address, port: port, name: name, authorities: authorities
        )?.objection(authorities: authorities, setting: "sslrootcert")
    }

    /// The file that libpq read, by the URL, the environment or its own custom.
    private var trustedAuthorities: String {
        let options = unsafe PQconninfo(handle)
        defer { unsafe PQconninfoFree(options) }
        var next = unsafe options
        while let option = unsafe next, let keyword = unsafe option.pointee.keyword {
            if unsafe String(cString: keyword) == "sslrootcert", let value = unsafe option.pointee.val {
                let file = unsafe String(cString: value)
                if !file.isEmpty { return file }
            }
            unsafe next = option + 1
        }
        return NSHomeDirectory() + "/.postgresql/root.crt"
    }

    /// The SQLSTATE with which the server refused the connection; `nil` where it did not answer, or does not refuse now.
    ///
    /// libpq keeps it to itself, and the words are in the server's language. Asked once more and told to be verbose, it
    /// writes the code before them: `SEVERITY:  SQLSTATE: words`. Its own messages have no such severity, and an
    /// unreachable server is not waited for a second time.
    private func refusalState() -> String? {
        guard rawMessage.contains(#/(?:^|: )\S+:  \S/#.anchorsMatchLineEndings()) else { return nil }
        _ = unsafe PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
        unsafe PQreset(handle)
        let refusals = rawMessage.matches(of: #/(?:^|: )\S+:  ([0-9A-Z]{5}): /#.anchorsMatchLineEndings())
        return refusals.last.map { String($0.output.1) }
    }

    private func lost(_ message: String, sqlstate: String? = nil) -> PostgresError {
        PostgresError(.unavailable, sqlstate: sqlstate, "PostgreSQL \(url): the connection was lost: \(message)")
    }

    private var rawMessage: String { unsafe String(cString: PQerrorMessage(handle)) }

    /// libpq's last message on one line, without its questions to the reader.
    private var lastMessage: String {
        let lines = rawMessage.split(separator: "\n").filter { !$0.hasPrefix("\t") }
        return PostgresError.oneLine(lines.joined(separator: "\n"))
    }

    /// The statement's beginning on one line.
    static func excerpt(of statement: String) -> String {
        let words = statement.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.count > 100 ? words.prefix(99) + "…" : words
    }
}
