// A worker's and a producer's memory while many tasks pass through them.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: isSoaking, soakMissing))
struct MemoryTests {
    static let total = Surroundings.variable("DETDIFFUSION_SOAK_TASKS").flatMap { Int($0) } ?? 200_000

    /// By how much the second half of a run may need more than the first: 40 bytes a task of 200,000.
    static let growth = 4096

    @Test("the memory of a worker stays flat over 200,000 tasks")
    func flatMemory() throws {
        let world = try SoakWorld(images: Self.total / 50)
        try world.enqueue(limit: Self.total / 100, samples: 100, shardSize: 500)
        let worker = try world.startWorker()
        let readings = try MemoryReading.take(of: worker, every: .seconds(2)) { ["done": try world.done()] }
        #expect(try worker.wait().status == 0)
        try expectFlat(readings, in: "done", upTo: 96 * 1024)
        try world.expectWhole(tasks: Self.total)
        try world.remove()
    }

    /// A producer holds the layouts, so that two shapes are needed: as many layouts as tasks show what it needs; few
    /// layouts show what a task leaves behind, which would hide in what reading a large file left free.
    @Test(
        "the memory of a producer stays flat while it records and publishes 200,000 tasks",
        arguments: [(samples: 100, megabytes: 64), (samples: 1, megabytes: 720)])
    func flatProducer(samples: Int, megabytes: Int) throws {
        let layouts = Self.total / samples
        let world = try SoakWorld(images: layouts + layouts / 5 + 1000)
        // A generator that nobody serves has its own queue, and its hints wait there.
        let producer = try world.startProducer(
            limit: layouts, samples: samples, shardSize: 500,
            ["--subset", "all", "--generator", "memory", "--hint-size", "1"])
        let readings = try MemoryReading.take(of: producer, every: .milliseconds(20)) {
            try world.publicationProgress()
        }
        let ended = try producer.wait()
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(try world.publicationProgress()["published"] == Self.total)
        for phase in ["recorded", "published"] { try expectFlat(readings, in: phase, upTo: megabytes * 1024) }
        try SoakWorld.deleteQueue("detdiffusion.v1.generate.memory")
        try world.remove()
    }

    /// Compares the two halves of a phase, its first tenth left out, and the peak with a bound.
    private func expectFlat(_ readings: [MemoryReading], in phase: String, upTo bound: Int) throws {
        func resident(_ tasks: ClosedRange<Int>) -> [Int] {
            readings.filter { tasks.contains($0.progress[phase] ?? -1) }.map(\.resident)
        }
        let half = Self.total / 2
        let halves = [resident(Self.total / 10...half), resident(half + 1...Self.total)]
        let (early, late) = (try #require(halves[0].max()), try #require(halves[1].max()))
        let peak = readings.map(\.peak).max() ?? 0
        let found =
            "\(phase): at most \(early) kB in the first half, \(late) kB in the second, peak \(peak) kB "
            + "(\(halves[0].count) and \(halves[1].count) readings)"
        print("memory over \(Self.total) tasks, \(found)")
        #expect(late <= early + Self.growth, "\(found)")
        #expect(peak <= bound, "\(found); expected at most \(bound) kB")
    }
}

/// What a process held at one moment, and how far it was.
struct MemoryReading {
    /// Tasks that passed, by phase.
    let progress: [String: Int]
    /// Kilobytes in memory, now and at most so far.
    let resident: Int
    let peak: Int

    /// Reads until the process has ended.
    static func take(
        of process: RunningProcess, every interval: Duration, progress: () throws -> [String: Int]
    ) throws -> [MemoryReading] {
        var readings: [MemoryReading] = []
        while process.isRunning {
            let progress = try progress()
            if let status = try? String(contentsOfFile: "/proc/\(process.identifier)/status", encoding: .utf8),
                let resident = kilobytes("VmRSS:", in: status), let peak = kilobytes("VmHWM:", in: status)
            {
                readings.append(MemoryReading(progress: progress, resident: resident, peak: peak))
            }  // A process that just ended has no lines of memory.
            usleep(UInt32(interval / .microseconds(1)))
        }
        return readings
    }

    private static func kilobytes(_ field: String, in status: String) -> Int? {
        status.split(separator: "\n").first { $0.hasPrefix(field) }?.split(separator: " ").compactMap { Int($0) }.first
    }
}
