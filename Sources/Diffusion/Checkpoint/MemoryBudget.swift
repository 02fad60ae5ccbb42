// How much memory a generator may take, and a clear refusal where that is too little.

import Foundation

/// Memory for weights and activations.
public struct MemoryBudget: Sendable {
    /// Bytes.
    public let bytes: Int

    /// Allows `bytes`.
    public init(bytes: Int) { self.bytes = bytes }

    /// What this host has available now, or the control group's limit where that is less.
    public static func available() -> MemoryBudget {
        let host = kilobytes(of: "MemAvailable:", in: text(of: "/proc/meminfo")).map { $0 * 1024 }
        let limit = number(in: text(of: "/sys/fs/cgroup/memory.max"))
        let used = number(in: text(of: "/sys/fs/cgroup/memory.current")) ?? 0
        let all = [host, limit.map { max(0, $0 - used) }].compactMap { $0 }
        return MemoryBudget(bytes: all.min() ?? Int(ProcessInfo.processInfo.physicalMemory))
    }

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

    private static func kilobytes(of key: String, in text: String?) -> Int? {
        let line = text?.split(separator: "\n").first { $0.hasPrefix(key) }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
    }
}
