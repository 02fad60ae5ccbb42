// Passwords of the roles: from a file that nobody else can read, never from a command line.

import Foundation

/// Where the roles' passwords come from.
public struct PasswordFile: Sendable {
    /// The file.
    public let path: String
    /// Whether this run made the file, so that the operator must be told where it is.
    public let isNew: Bool
    /// Whether roles that exist get their password from the file too; generated ones are for new roles only.
    let appliesToExistingRoles: Bool
    private let passwords: [DatabaseRole: String]

    func password(for role: DatabaseRole) -> String? { passwords[role] }

    /// Reads `role=password` lines, such as `worker=…`; empty lines and lines beginning with `#` are passed over.
    /// - Throws: ``ProvisioningError`` when somebody else may read the file, or a line is not of that form.
    public init(reading path: String) throws(ProvisioningError) {
        passwords = try Self.read(path)
        self.path = path
        isNew = false
        appliesToExistingRoles = true
    }

    /// Makes a file with a random password for each role, mode 0600, or reads the one that an earlier run made.
    public init(generating path: String) throws(ProvisioningError) {
        self.path = path
        appliesToExistingRoles = false
        if access(path, F_OK) == 0 {
            passwords = try Self.read(path)
            isNew = false
            return
        }
        let generated = Dictionary(uniqueKeysWithValues: DatabaseRole.allCases.map { ($0, Self.random()) })
        let lines = DatabaseRole.allCases.map { "\($0.rawValue)=\(generated[$0] ?? "")\n" }.joined()
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create", path) }
        defer { close(descriptor) }
        let bytes = Array(lines.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw Self.failure("write", path)
        }
        passwords = generated
        isNew = true
    }

    private static func read(_ path: String) throws(ProvisioningError) -> [DatabaseRole: String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("look at", path) }
        guard status.st_mode & 0o077 == 0 else {
            throw ProvisioningError(
                .invalid,
                "password file \(path): expected mode 0600, found "
                    + "0\(String(status.st_mode & 0o777, radix: 8)): others may read it; run chmod 600 and "
                    + "change the passwords"
            )
        }
        let data: Data
        do { data = try file.read(upToCount: 65_536) ?? Data() } catch { throw failure("read", path) }
        return try parse(String(decoding: data, as: UTF8.self), path: path)
    }

    static func parse(_ text: String, path: String) throws(ProvisioningError) -> [DatabaseRole: String] {
        var passwords: [DatabaseRole: String] = [:]
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            let parts = line.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, let role = DatabaseRole(rawValue: String(parts[0])), !parts[1].isEmpty else {
                throw ProvisioningError(
                    .invalid,
                    "password file \(path), line \(index + 1): expected producer=…, worker=… or reader=… "
                        + "with a password, found another line"
                )
            }
            passwords[role] = String(parts[1])
        }
        return passwords
    }

    private static func failure(_ action: String, _ path: String) -> ProvisioningError {
        ProvisioningError(.invalid, "cannot \(action) the password file \(path): \(String(cString: strerror(errno)))")
    }

    /// 192 bits, safe in a URL without percent-encoding.
    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<24).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}
