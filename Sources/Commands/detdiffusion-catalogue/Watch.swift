// `watch`: bars, rate and an honest remaining time.

import ArgumentParser
import Catalogue
import Console
import Foundation
import Tasks

struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Shows the progress of jobs until they are finished or you stop it.",
        discussion: """
            Exit codes: 0 as soon as every watched job is finished; 1 when one named with --job was cancelled, or nothing is left to do and \
            dead tasks or quarantined shards keep it from finishing; 75 after --timeout.
            """)

    enum Goal: String, ExpressibleByArgument, CaseIterable { case finished }

    @Option(help: "Only this job; may be given more than once.") var job: [String] = []
    @Option(help: "Leave when the jobs are finished; without it, watch until stopped.") var until: Goal?
    @Option(help: "Seconds between two looks.") var every = 1.0
    @Option(help: ArgumentHelp("Give up after this long.", valueName: "seconds")) var timeout: Double?
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard every.isFinite, (0.05...3600).contains(every) else {
                throw CommandError(.usage, "--every: expected 0.05 to 3600 seconds, found \(every)")
            }
            guard (timeout ?? 0).isFinite, (0...1e9).contains(timeout ?? 0) else {
                throw CommandError(.usage, "--timeout: expected 0 to 1000000000 seconds, found \(timeout ?? 0)")
            }
            let catalogue = try await options.open()
            for name in job { _ = try await catalogue.job(named: name) }
            var board = ProgressBoard(isTerminal: isatty(STDOUT_FILENO) == 1)
            let begin = ContinuousClock.now
            while true {
                let jobs = try await catalogue.jobs().filter {
                    job.isEmpty ? $0.state == "running" || until == nil : job.contains($0.job)
                }
                board.show(jobs, at: .now)
                StandardOutput.requireReader()
                if until == .finished {
                    if jobs.allSatisfy({ $0.state == "finished" }) { return }
                    if jobs.allSatisfy({ $0.isOver }) { throw fail() }
                }
                if let timeout, begin.duration(to: .now) >= .seconds(timeout) { throw fail(.interrupted) }
                try await Task.sleep(for: .seconds(every))
            }
        }
    }
}

extension JobSummary {
    /// Whether nothing will move any more without an operator.
    fileprivate var isOver: Bool {
        state == "finished" || state == "cancelled" || (state == "running" && waitsInVain)
            || (state == "running" && done + dead + cancelled == tasks && generatedShards == 0)
    }

    /// Whether the job that it follows was cancelled, and nothing is left that is not waiting for it.
    private var waitsInVain: Bool {
        afterState == JobState.cancelled.rawValue && blockedShards > 0 && blockedShards + finishedShards == shards
    }
}

/// Draws one line per job: over the last ones on a terminal, only when something changed elsewhere.
struct ProgressBoard {
    private let isTerminal: Bool
    private var drawn = 0
    private var last: [String] = []
    private var history: [String: [(at: ContinuousClock.Instant, done: Int)]] = [:]

    init(isTerminal: Bool) { self.isTerminal = isTerminal }

    /// Shows the jobs as they are at `now`.
    mutating func show(_ jobs: [JobSummary], at now: ContinuousClock.Instant) {
        let lines = jobs.map { line(for: $0, at: now) }
        guard isTerminal else {
            for line in lines where !last.contains(line) { tell(line) }
            last = lines
            return
        }
        for (index, line) in lines.enumerated() {
            tell(line, after: index == 0 && drawn > 0 ? .up(drawn) : .freshLine)
        }
        drawn = lines.count
    }

    private mutating func line(for job: JobSummary, at now: ContinuousClock.Instant) -> String {
        let width = 30
        let share = job.tasks == 0 ? 0 : Double(job.done) / Double(job.tasks)
        let filled = Int(share * Double(width))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        var parts = [
            "\(job.job)  \(bar)  \(Format.count(job.done))/\(Format.count(job.tasks))",
            "\(job.finishedShards)/\(job.shards) shards finished",
        ]
        if job.dead > 0 { parts.append("\(Format.count(job.dead)) dead") }
        if job.quarantinedShards > 0 { parts.append("\(job.quarantinedShards) quarantined") }
        if job.blockedShards > 0, let after = job.after {
            let vain = job.afterState == JobState.cancelled.rawValue ? ", which was cancelled" : ""
            parts.append("\(job.blockedShards) wait for '\(after)'\(vain)")
        }
        if job.state != "running" {
            parts.append(job.state)
        } else {
            parts.append(forecast(for: job, at: now))
        }
        return parts.joined(separator: "  ")
    }

    /// The rate of the last minute and what it means for the rest; it says so when the rate is not known yet.
    private mutating func forecast(for job: JobSummary, at now: ContinuousClock.Instant) -> String {
        var points = history[job.job, default: []]
        points.append((now, job.done))
        let recent = points.filter { $0.at.duration(to: now) <= .seconds(60) }
        if recent.count >= 2 { points = recent }
        history[job.job] = points
        guard let first = points.first, first.at.duration(to: now) > .seconds(2), job.done > first.done else {
            return job.done == job.tasks ? "packing" : "rate not known yet"
        }
        let elapsed = first.at.duration(to: now) / .seconds(1)
        let rate = Double(job.done - first.done) / elapsed
        let remaining = Double(job.tasks - job.done - job.dead - job.cancelled) / rate
        let shown = rate >= 10 ? String(Int(rate.rounded())) : String((rate * 10).rounded() / 10)
        return "\(shown)/s, \(Format.duration(remaining)) left at the rate of the last \(Format.duration(elapsed))"
    }
}
