// How much of the host's memory is left.

import Foundation

/// The host's memory, as this process may use it.
package enum HostMemory {
    /// What the host has available now, or the control group's limit where that is less.
    /// - Parameter root: the folder whose `proc` and `sys` are asked; tests have their own.
    package static func availableBytes(under root: String = "") -> Int {
        let host = number(after: "MemAvailable:", in: text(of: root + "/proc/meminfo")).map { $0 * 1024 }
        let groups = [
            // The second version of control groups, then the first.
            left(in: root + "/sys/fs/cgroup", limit: "memory.max", usage: "memory.current", cache: "inactive_file"),
            left(
                in: root + "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
                cache: "total_inactive_file"),
        ]
        let all = ([host] + groups).compactMap { $0 }
        return all.min() ?? Int(ProcessInfo.processInfo.physicalMemory)
    }

    /// What a control group's limit leaves; `nil` without one. Cached pages of files that nobody used lately count
    /// as used there, and are given up as soon as somebody needs memory: a host that has read its checkpoints is
    /// full of them.
    private static func left(in folder: String, limit: String, usage: String, cache: String) -> Int? {
        guard let limit = number(in: text(of: "\(folder)/\(limit)")) else { return nil }
        let used = number(in: text(of: "\(folder)/\(usage)")) ?? 0
        let cached = number(after: cache, in: text(of: "\(folder)/memory.stat")) ?? 0
        return max(0, limit - max(0, used - cached))
    }

    /// A file of the system; an absent one has no say.
    private static func text(of path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func number(in text: String?) -> Int? {
        text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// The number in the line that begins with the word `key`.
    private static func number(after key: String, in text: String?) -> Int? {
        let lines = text?.split(separator: "\n").map { $0.split(separator: " ") }
        return lines?.first { $0.first == key[...] }?.dropFirst().first.flatMap { Int($0) }
    }
}
