// Enqueueing a job: record it, publish a hint for every unmarked shard, mark what the broker confirmed.

public import Broker
public import Catalogue
import Failpoints
import Messaging

/// Publishes a recorded job. Killed anywhere and run again, it publishes only for shards that are not marked.
public struct JobPublication: Sendable {
    /// How far a publication has come.
    public struct Progress: Sendable {
        /// Shards whose hints are all confirmed and marked.
        public var shards: Int
        /// Confirmed hints.
        public var hints: Int
        /// Shards to publish in this run.
        public var totalShards: Int
    }

    private let catalogue: Catalogue
    private let publisher: Publisher
    private let deadline: Duration

    /// Publishes over `publisher`, whose `run()` must be running.
    /// - Parameter deadline: how long the broker may take to confirm one round of at most 2,048
    ///   hints, reconnecting included.
    public init(catalogue: Catalogue, publisher: Publisher, deadline: Duration = .seconds(60)) {
        self.catalogue = catalogue
        self.publisher = publisher
        self.deadline = deadline
    }

    /// Publishes the hints of every shard of `job` that nobody has hinted, and marks each shard after its confirms.
    public func publish(job: Int64, onProgress: (Progress) -> Void = { _ in }) async throws -> Progress {
        Failpoint.hit("producer.before-publish")
        let targets = try await catalogue.unhintedShards(job: job)
        let trace = TraceContext()
        var progress = Progress(shards: 0, hints: 0, totalShards: targets.count)
        for round in Self.rounds(of: targets) {
            let messages = round.flatMap { target in
                target.hints.map { OutgoingMessage(hint: $0, of: target, trace: trace) }
            }
            try await publisher.publish(messages, deadline: deadline)
            Failpoint.hit("producer.before-mark")
            try await catalogue.markHinted(round.map(\.shard))
            progress.shards += round.count
            progress.hints += messages.count
            onProgress(progress)
        }
        return progress
    }

    /// Groups shards so that a round has at most 2,048 hints, or one shard.
    static func rounds(of targets: [HintTarget]) -> [[HintTarget]] {
        var rounds: [[HintTarget]] = []
        var hints = 0
        for target in targets {
            let added = (target.range.count + target.hintSize - 1) / target.hintSize
            if rounds.isEmpty || hints + added > 2048 {
                rounds.append([])
                hints = 0
            }
            rounds[rounds.count - 1].append(target)
            hints += added
        }
        return rounds
    }
}
