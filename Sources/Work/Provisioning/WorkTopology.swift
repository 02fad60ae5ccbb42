// The queues and exchanges of a deployment that serves certain generators.

import Broker
public import Tasks

/// What must exist on the broker for workers of some generators.
public struct WorkTopology: Sendable, Hashable {
    /// Both lanes of every generator, and of packing.
    public let workQueues: [WorkQueue]

    /// The topology for these generators and for packing.
    public init(generators: [Capability]) {
        let served = generators.map { (TaskKind.generate, $0) } + [(.pack, .archive)]
        workQueues = served.flatMap { kind, capability in
            Lane.allCases.map { WorkQueue(kind: kind, capability: capability, lane: $0) }
        }
    }

    /// The names of the work queues.
    public var workQueueNames: [String] { workQueues.map(\.name) }
    /// All queues, the dead-letter queue last.
    var queueNames: [String] { workQueueNames + [MessageNames.deadLetters] }
    /// All exchanges.
    var exchanges: [String] { [MessageNames.controlExchange, MessageNames.deadLetters] }

    /// What to declare.
    var declaration: Topology {
        Topology(
            queues: queueNames.map { QueueDeclaration($0) }, fanoutExchanges: exchanges,
            bindings: [QueueBinding(queue: MessageNames.deadLetters, exchange: MessageNames.deadLetters)])
    }

    /// A queue's name as people say it, without the prefix that all share.
    static func shortName(_ queue: String) -> String {
        queue.hasPrefix(MessageNames.prefix + ".") ? String(queue.dropFirst(MessageNames.prefix.count + 1)) : queue
    }
}
