// The queues where jobs and workers meet: one for each kind, capability and lane.

/// The two priorities of a job; quorum queues have no priorities on RabbitMQ 3, so each lane is a queue.
public enum Lane: String, Sendable, Codable, CaseIterable {
    case normal, high
}

/// A queue of hints: everything in it can be served by a worker of one kind and capability.
public struct WorkQueue: Hashable, Sendable {
    /// What its tasks do.
    public var kind: TaskKind
    /// What a worker needs.
    public var capability: Capability
    /// Which of the two lanes it is.
    public var lane: Lane

    /// Names a queue by what it holds.
    public init(kind: TaskKind, capability: Capability, lane: Lane = .normal) {
        self.kind = kind
        self.capability = capability
        self.lane = lane
    }

    /// `detdiffusion.v1.<kind>.<capability>[.high]`; the message version stands in the name, so that old and new
    /// workers run side by side during an upgrade.
    public var name: String {
        "\(MessageNames.prefix).\(kind).\(capability)" + (lane == .high ? ".high" : "")
    }
}

extension WorkQueue {
    /// The queues of both lanes, the urgent one first.
    public static func lanes(of kind: TaskKind, _ capability: Capability) -> [WorkQueue] {
        [Lane.high, .normal].map { WorkQueue(kind: kind, capability: capability, lane: $0) }
    }
}

extension FollowUp {
    /// Where its hints go, the urgent one first.
    public var queues: [WorkQueue] { WorkQueue.lanes(of: kind, capability) }
}

extension HandlerDescription {
    /// The queues that it serves, the urgent one first.
    public var queues: [WorkQueue] { WorkQueue.lanes(of: kind, capability) }
}
