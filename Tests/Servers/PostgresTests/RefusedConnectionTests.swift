// Connections that a server refuses in its own language: the SQLSTATE decides, not the words.

import Foundation
import Postgres
import Synchronization
import Testing

/// Answers every connection with one error of the protocol (PostgreSQL manual, 55.7), and closes it.
private final class RefusingServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let count = Mutex(0)

    /// How many connections came.
    var connections: Int { count.withLock { $0 } }

    init(sqlstate: String, message: String) throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        port = try withUnsafeMutablePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                try #require(bind(listener, generic, length) == 0 && listen(listener, 8) == 0)
                try #require(getsockname(listener, generic, &length) == 0)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        let fields = "SSCHWERWIEGEND\0VFATAL\0C\(sqlstate)\0M\(message)\0Fauth.c\0L1\0Rauth_failed\0\0".utf8
        let size = UInt32(fields.count + 4)
        let answer = [UInt8(ascii: "E")] + (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } + fields
        Thread.detachNewThread { [self] in serve(answer) }
    }

    /// Ends the thread, too: its accept fails.
    func stop() { _ = shutdown(listener, Int32(SHUT_RDWR)) }

    private func serve(_ answer: [UInt8]) {
        while true {
            let connection = accept(listener, nil, nil)
            guard connection >= 0 else { break }
            count.withLock { $0 += 1 }
            var startup = [UInt8](repeating: 0, count: 4096)
            if read(connection, &startup, startup.count) > 0 { _ = write(connection, answer, answer.count) }
            close(connection)
        }
        close(listener)
    }
}

struct RefusedConnectionTests {
    @Test(arguments: [
        ("28P01", "Passwort-Authentifizierung für Benutzer »u« fehlgeschlagen", PostgresError.Code.authentication),
        ("28000", "kein pg_hba.conf-Eintrag", .authentication),
        ("3D000", "Datenbank »x« existiert nicht", .sql("3D000")),
        ("42501", "keine Berechtigung für Datenbank x", .sql("42501")),
        ("42704", "unbekannter Konfigurationsparameter", .configuration),
        ("53300", "zu viele Verbindungen", .unavailable),
        ("55000", "Datenbank »x« nimmt keine Verbindungen an", .unavailable),
        ("57P03", "das Datenbanksystem startet", .unavailable),
    ])
    func theCodeIsReadInAnyLanguage(sqlstate: String, message: String, expected: PostgresError.Code) async throws {
        let server = try RefusingServer(sqlstate: sqlstate, message: message)
        defer { server.stop() }
        let url = try DatabaseURL(
            "postgresql://u:s3cret@127.0.0.1:\(server.port)/x?sslmode=disable&gssencmode=disable")
        let connection = Connection(url: url, applicationName: "test", logger: TestServer.quietLogger)
        let error = await postgresError { _ = try await connection.query("SELECT 1") }
        #expect(error?.code == expected && error?.sqlstate == sqlstate, "\(String(describing: error))")
        #expect(error?.description.contains(message) == true, "\(String(describing: error))")
        #expect(error?.description.contains("s3cret") == false && error?.description.contains("\n") == false)
        #expect(server.connections == 2)
    }
}
