// The kind of file system that a folder lies on, from the kernel's list of mounts (proc(5), mountinfo).

/// A file system as far as a store is concerned.
enum FileSystemKind: Equatable {
    case local(String)
    case network(String)
    case memory(String)
    case container(String)

    /// - Parameter name: the kernel's word for it, such as `ext4`, `nfs4` or `fuse.sshfs`.
    init(name: String) {
        let networks: Set<Substring> = [
            "nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "gpfs", "beegfs", "afs", "9p", "glusterfs", "orangefs",
            "ocfs2", "gfs2",
        ]
        self =
            switch name {
            case "tmpfs", "ramfs": .memory(name)
            case "overlay", "aufs": .container(name)
            case _ where networks.contains(Substring(name)) || name.hasPrefix("fuse"): .network(name)
            default: .local(name)
            }
    }

    /// The file system of an absolute path without symbolic links: that of the longest mount point above it, and of
    /// several mounts there the last.
    init?(of path: String, mounts: String) {
        var best: (length: Int, name: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 5, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            let point = Self.unescaped(fields[4])
            let isAbove = point == "/" || path == point || path.hasPrefix(point + "/")
            guard isAbove, point.utf8.count >= best?.length ?? 0 else { continue }
            best = (point.utf8.count, String(fields[dash + 1]))
        }
        guard let best else { return nil }
        self.init(name: best.name)
    }

    /// The kernel writes space, tab, newline and backslash as `\040` and so on.
    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = [], rest = Array(text.utf8)[...]
        while let first = rest.popFirst() {
            let digits = rest.prefix(3)
            guard first == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            else {
                bytes.append(first)
                continue
            }
            bytes.append(value)
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    var result: CheckResult {
        switch self {
        case .network(let name):
            CheckResult(
                .store, "file system", .ok, "\(name), a network file system: workers on several hosts can share it")
        case .local(let name):
            CheckResult(.store, "file system", .ok, "\(name), local: all workers must run on this host")
        case .container(let name):
            CheckResult(
                .store, "file system", .warn, "\(name), a container's own layer: it goes with the container",
                fix: "mount a volume for the object directory")
        case .memory(let name):
            CheckResult(
                .store, "file system", .fail, "\(name): a reboot loses every image",
                fix: "put the object directory on a disc")
        }
    }
}
