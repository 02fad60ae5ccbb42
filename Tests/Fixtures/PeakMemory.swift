// What a piece of work takes at its peak, measured by the kernel.

import Foundation

/// The memory of this process.
public enum PeakMemory {
    /// The most bytes that were resident during `body` beyond those that were before.
    /// - Throws: what `body` throws, and ``ProcessFailure`` where the kernel does not say.
    public static func bytes(during body: () throws -> Void) throws -> Int {
        let before = try reset()
        try body()
        return try grown(since: before)
    }

    /// Lets the peak begin anew, and returns how many bytes are resident now.
    public static func reset() throws -> Int {
        // 5 resets the peak (proc(5)).
        try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
        return try value("VmRSS")
    }

    /// The peak beyond `before`.
    public static func grown(since before: Int) throws -> Int { max(0, try value("VmHWM") - before) }

    private static func value(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let fields = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }?.split(
            whereSeparator: \.isWhitespace)
        guard let fields, fields.count == 3, let kilobytes = Int(fields[1]) else {
            throw ProcessFailure("/proc/self/status: expected \(name) in kB, found none")
        }
        return kilobytes << 10
    }
}
