// One connection of libpq, from its opening to its end, and what it is told and asked.

import CPostgres
import Foundation
import Logging

/// A handle of libpq. It is used by one thread at a time, that of the actor that owns it.
@safe final class Session {
    let handle: OpaquePointer
    let url: DatabaseURL
    /// Keeps the logger that libpq's notices go to.
    private let notices: NoticeLog
    /// How long an answer may take before the server counts as dead; `nil` forever.
    var answerTimeout: Duration?
    /// The names of the statements that the server has parsed for this session.
    var prepared: [StatementShape: String] = [:]
    /// Whether answers of a pipeline that failed are still to come.
    var isOutOfStep = false
    /// What the names of prepared statements begin with. Behind a pooler a server may still know those of a session before.
    let statementPrefix = "d\(String(UInt64.random(in: .min ... .max), radix: 16))_"
    /// What ``apply(_:)`` set, as the server shows it.
    var settings: [String: String] = [:]
    /// Whether a pooler stands between this program and the server.
    var isPooled = false

    /// Connects, and sets nothing yet.
    init(
        url: DatabaseURL, applicationName: String, answerTimeout: Duration?, logger: Logger
    ) throws(PostgresError) {
        let parameters = Self.parameters(url: url, applicationName: applicationName, answerTimeout: answerTimeout)
        guard let handle = unsafe Self.connect(parameters) else {
            throw PostgresError(.unavailable, "PostgreSQL \(url): cannot connect: out of memory")
        }
        unsafe self.handle = handle
        self.url = url
        self.answerTimeout = answerTimeout
        notices = NoticeLog(logger: logger)
        guard unsafe PQstatus(handle) == CONNECTION_OK else { throw connectionFailure() }
        unsafe PQsetNoticeReceiver(handle, receiveNotice, Unmanaged.passUnretained(notices).toOpaque())
    }

    deinit { unsafe PQfinish(handle) }

    /// Whether the connection is still there, as far as libpq has noticed, and of use.
    var isAlive: Bool { unsafe !isOutOfStep && PQstatus(handle) == CONNECTION_OK }

    /// Whether a transaction is open and has not failed.
    var isInTransaction: Bool { unsafe PQtransactionStatus(handle) == PQTRANS_INTRANS }

    /// Reads what the server sent while nothing was asked: its farewell, if it has gone.
    func noticeLoss() {
        guard isAlive else { return }
        var descriptor = pollfd(fd: unsafe PQsocket(handle), events: Int16(POLLIN), revents: 0)
        while unsafe poll(&descriptor, 1, 0) > 0, isAlive {
            guard unsafe PQconsumeInput(handle) == 1 else { return }
        }
    }

    /// What libpq is told beyond the URL: our defaults, where the URL does not say otherwise. No settings of the server:
    /// poolers refuse them while connecting.
    private static func parameters(
        url: DatabaseURL, applicationName: String, answerTimeout: Duration?
    ) -> [String: String] {
        // libpq takes less than 2 s for 2 s.
        let seconds = answerTimeout.map { min(10, max(2, $0.components.seconds)) } ?? 10
        let defaults = [
            "application_name": applicationName, "connect_timeout": "\(seconds)", "keepalives": "1",
            "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "25000",
        ]
        var parameters = defaults.merging(url.parameters) { _, given in given }
        if url.settings != nil { parameters["options"] = nil }
        parameters["client_encoding"] = "UTF8"
        return parameters
    }

    private static func connect(_ parameters: [String: String]) -> OpaquePointer? {
        let keywords = unsafe parameters.keys.map { unsafe strdup($0) }
        let values = unsafe parameters.values.map { unsafe strdup($0) }
        defer { unsafe (keywords + values).forEach { unsafe free($0) } }
        return unsafe PQconnectdbParams(
            keywords.map { unsafe UnsafePointer($0) } + [nil], values.map { unsafe UnsafePointer($0) } + [nil], 0)
    }
}

/// Where the server's notices go.
private final class NoticeLog: Sendable {
    let logger: Logger
    init(logger: Logger) { self.logger = logger }
}

/// Called by libpq, inside a call to it, for every notice: warnings are information, all else is for debugging.
private func receiveNotice(_ context: UnsafeMutableRawPointer?, _ result: OpaquePointer?) {
    guard let context = unsafe context, let result = unsafe result else { return }
    let logger = unsafe Unmanaged<NoticeLog>.fromOpaque(context).takeUnretainedValue().logger
    let fields = unsafe ServerMessage(result)
    let level: Logger.Level = fields.severity == "WARNING" ? .info : .debug
    logger.log(
        level: level, "PostgreSQL notice",
        metadata: ["postgres.message": "\(fields.text)", "postgres.sqlstate": "\(fields.sqlstate ?? "")"])
}
