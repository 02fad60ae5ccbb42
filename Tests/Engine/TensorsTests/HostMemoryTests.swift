// How much memory there is, as the system's files say it.

import Foundation
import Tensors
import Testing

struct HostMemoryTests {
    /// A folder with the files that Linux would have under its root.
    private static func available(_ files: [String: String]) throws -> Int {
        let root = FileManager.default.temporaryDirectory.appending(path: "system-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        for (file, text) in files {
            let url = URL(fileURLWithPath: "\(root)/\(file)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        return HostMemory.availableBytes(under: root)
    }

    private static let host = "MemTotal:  4000 kB\nMemFree:   10 kB\nMemAvailable:    2000 kB\nBuffers: 1 kB\n"

    @Test func withoutAControlGroupItIsWhatTheHostHas() throws {
        #expect(try Self.available(["proc/meminfo": Self.host]) == 2000 * 1024)
        #expect(try Self.available(["proc/meminfo": Self.host, "sys/fs/cgroup/memory.max": "max\n"]) == 2000 * 1024)
        #expect(try Self.available([:]) == Int(ProcessInfo.processInfo.physicalMemory))
    }

    /// A container that has read its checkpoint once: nearly all that it uses is cache.
    @Test func cachedFilesDoNotCountAsUsed() throws {
        let files = [
            "proc/meminfo": Self.host, "sys/fs/cgroup/memory.max": "1000000\n",
            "sys/fs/cgroup/memory.current": "900000\n",
            "sys/fs/cgroup/memory.stat": "anon 100000\nactive_file 5\ninactive_file 700000\nworkingset_nodes 3\n",
        ]
        #expect(try Self.available(files) == 800_000)
        var without = files
        without["sys/fs/cgroup/memory.stat"] = nil
        #expect(try Self.available(without) == 100_000)
    }

    @Test func theFirstVersionOfControlGroupsIsReadToo() throws {
        let files = [
            "proc/meminfo": Self.host, "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "400000\n",
            "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 50000\n",
        ]
        #expect(try Self.available(files) == 650_000)
        var unlimited = files
        unlimited["sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712\n"
        #expect(try Self.available(unlimited) == 2000 * 1024)
    }
}
