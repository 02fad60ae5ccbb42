// The queues and exchanges of jobs on the broker.

public import Broker
public import Tasks

/// What must exist on the broker for work of some kinds. Everything else about the queues is policy.
public struct WorkTopology: Sendable, Hashable {
    /// Where hints go, each queue once.
    public let workQueues: [WorkQueue]

    /// The topology of these queues; doubles count once.
    public init(queues: [WorkQueue]) {
        var seen: Set<WorkQueue> = []
        workQueues = queues.filter { seen.insert($0).inserted }
    }

    /// Both lanes of every generator, of the packing that follows, and of every detector.
    public init(generators: [Capability], detectors: [Capability] = []) {
        self.init(
            queues: generators.flatMap { WorkQueue.lanes(of: .generate, $0) } + FollowUp.packing.queues
                + detectors.flatMap { WorkQueue.lanes(of: .detect, $0) })
    }

    /// The names of the work queues.
    public var workQueueNames: [String] { workQueues.map(\.name) }
    /// All queues, the dead-letter queue last.
    public var queueNames: [String] { workQueueNames + [MessageNames.deadLetters] }
    /// All exchanges.
    public var exchanges: [String] { [MessageNames.controlExchange, MessageNames.deadLetters] }

    /// What producers and workers declare before they publish or consume: their work queues and the control exchange.
    public var declared: Topology {
        Topology(
            queues: workQueueNames.map { QueueDeclaration($0) }, fanoutExchanges: [MessageNames.controlExchange])
    }

    /// What `provision` declares: everything, with the way of dead letters.
    public var provisioned: Topology {
        Topology(
            queues: queueNames.map { QueueDeclaration($0) }, fanoutExchanges: exchanges,
            bindings: [QueueBinding(queue: MessageNames.deadLetters, exchange: MessageNames.deadLetters)])
    }

    /// A queue's name as people say it, without the prefix that all share.
    public static func shortName(_ queue: String) -> String {
        queue.hasPrefix(MessageNames.prefix + ".") ? String(queue.dropFirst(MessageNames.prefix.count + 1)) : queue
    }
}
