// How much memory a generator may take, and a clear refusal where that is too little.

import Foundation

/// Memory for weights and activations.
public struct MemoryBudget: Sendable {
    /// Bytes.
    public let bytes: Int

    /// Allows `bytes`.
    public init(bytes: Int) { self.bytes = bytes }

    /// What this host has available now, or the control group's limit where that is less.
    public static func available() -> MemoryBudget { available(under: "") }

    /// - Parameter root: the folder whose `proc` and `sys` are asked; tests have their own.
    static func available(under root: String) -> MemoryBudget {
        let host = number(after: "MemAvailable:", in: text(of: root + "/proc/meminfo")).map { $0 * 1024 }
        let groups = [
            // The second version of control groups, then the first.
            left(in: root + "/sys/fs/cgroup", limit: "memory.max", usage: "memory.current", cache: "inactive_file"),
            left(
                in: root + "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes",
                cache: "total_inactive_file"),
        ]
        let all = ([host] + groups).compactMap { $0 }
        return MemoryBudget(bytes: all.min() ?? Int(ProcessInfo.processInfo.physicalMemory))
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

    /// What is left beside `taken` bytes.
    public func less(_ taken: Int) -> MemoryBudget { MemoryBudget(bytes: max(0, bytes - taken)) }

    /// Refuses what cannot fit.
    /// - Throws: ``CheckpointError`` with both figures.
    public func require(_ needed: Int, for what: String) throws(CheckpointError) {
        guard needed <= bytes else {
            throw CheckpointError(
                .unsupported,
                "\(what): needs about \(Self.text(needed)) of memory, found \(Self.text(bytes)); use a host with more, "
                    + "or raise --memory")
        }
    }

    /// Decimal gigabytes with one digit, as people read them.
    public static func text(_ bytes: Int) -> String {
        bytes < 100_000_000
            ? "\((Double(bytes) / 1e5).rounded() / 10) MB" : "\((Double(bytes) / 1e8).rounded() / 10) GB"
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
