// A PgBouncer of a test's own before the test's PostgreSQL.

import Foundation

/// A real PgBouncer on a loopback port, with the settings of Debian's package apart from what it must be told; ended by
/// its process id when this goes away.
public final class Pooler: Sendable {
    /// What `pool_mode` may be.
    public enum Mode: String, Sendable, CaseIterable { case session, transaction, statement }

    /// The database URL of the test's user, through the pooler.
    public let url: String
    private let process: RunningProcess
    private let folder: String

    /// Whether the program is there.
    public static var isInstalled: Bool { program != nil }
    /// What a skipped test says.
    public static let missing = "needs PgBouncer: run `ops/setup --tests`"

    private static var program: String? {
        ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Starts one before the server that DATABASE_URL names, and waits until it serves.
    /// - Parameter settings: further lines of its section `[pgbouncer]`.
    public init(_ mode: Mode, settings: [String] = []) throws {
        guard let program = Self.program, let text = Surroundings.variable("DATABASE_URL"),
            var parts = URLComponents(string: text), let user = parts.user, let password = parts.password
        else { throw ProcessFailure(Self.missing) }
        let port = try LoopbackPort.free()
        folder = FileManager.default.temporaryDirectory.path + "/pooler-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let database = parts.path.dropFirst()
        try Self.write("\"\(user)\" \"\(password)\"\n", to: folder + "/users", mode: 0o600)
        let lines =
            [
                "[databases]", "\(database) = host=127.0.0.1 port=\(parts.port ?? 5432)", "[pgbouncer]",
                "listen_addr = 127.0.0.1", "listen_port = \(port)", "unix_socket_dir =", "auth_type = md5",
                "auth_file = \(folder)/users", "pool_mode = \(mode.rawValue)",
            ] + settings
        try Self.write(lines.joined(separator: "\n") + "\n", to: folder + "/pgbouncer.ini", mode: 0o600)
        process = try RunningProcess(
            "/usr/bin/env", try Self.asServersUser(of: folder) + [program, folder + "/pgbouncer.ini"])
        parts.port = Int(port)
        url = parts.string ?? ""
        try process.waitFor("process up")
    }

    deinit {
        process.send(SIGKILL)
        try? FileManager.default.removeItem(atPath: folder)  // Litter, at worst.
    }

    /// It refuses root: then it runs as the user that Debian's package of PostgreSQL made, who gets its folder.
    private static func asServersUser(of folder: String) throws -> [String] {
        guard geteuid() == 0 else { return [] }
        guard let entry = getpwnam("postgres") else {
            throw ProcessFailure("PgBouncer refuses root, and there is no user postgres")
        }
        let (user, group) = (entry.pointee.pw_uid, entry.pointee.pw_gid)
        for path in [folder, folder + "/users", folder + "/pgbouncer.ini"] where chown(path, user, group) != 0 {
            throw ProcessFailure("cannot give \(path) to postgres: \(String(cString: strerror(errno)))")
        }
        return ["setpriv", "--reuid=\(user)", "--regid=\(group)", "--clear-groups"]
    }

    private static func write(_ text: String, to path: String, mode: Int) throws {
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: mode])
        else { throw ProcessFailure("cannot write \(path)") }
    }
}
