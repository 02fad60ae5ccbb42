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
    /// How long an answer may take before the server counts as dead; `nil` for ever.
    var answerTimeout: Duration?
    /// The names of the statements that the server has parsed for this session.
    var prepared: [StatementShape: String] = [:]
    /// Whether answers of a pipeline that failed are still to come.
    var isOutOfStep = false

    init(
        url: DatabaseURL, applicationName: String, settings: [String: String], answerTimeout: Duration?, logger: Logger
    ) throws(PostgresError) {
        let parameters = Self.parameters(url: url, applicationName: applicationName, settings: settings)
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

    /// What libpq is told beyond the URL: our defaults, where the URL does not say otherwise.
    private static func parameters(
        url: DatabaseURL, applicationName: String, settings: [String: String]
    ) -> [String: String] {
        let defaults = [
            "application_name": applicationName, "connect_timeout": "10", "keepalives": "1", "keepalives_idle": "10",
            "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "25000",
        ]
        var parameters = defaults.merging(url.parameters) { _, given in given }
        let options = settings.sorted { $0.key < $1.key }.map { name, value in
            "-c \(name)=" + value.map { $0.isWhitespace || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
        }
        parameters["options"] = (options + [url.parameters["options"] ?? ""]).joined(separator: " ")
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
