// Publishing hints from a worker. A hint that cannot be published is no loss: the catalogue's keeping-going
// finds the work.

public import Broker
public import Catalogue
public import Logging
public import Messaging
public import Tasks

/// Publishes hints and job control messages with confirms.
public struct Announcer: Sendable {
    let publisher: Publisher
    let logger: Logger
    var deadline: Duration = .seconds(10)

    /// Announces over `publisher`, whose `run()` must be running.
    public init(publisher: Publisher, logger: Logger) {
        self.publisher = publisher
        self.logger = logger
    }

    /// Hints a range as one message per `hintSize` tasks.
    public func announce(_ target: HintTarget, trace: TraceContext = TraceContext()) async {
        let messages = target.hints.map { OutgoingMessage(hint: $0, of: target, trace: trace) }
        do {
            try await publisher.publish(messages, deadline: deadline)
        } catch {
            logger.warning(
                "Hints were not confirmed; idle workers will find the work in the catalogue",
                metadata: ["queue.name": "\(target.queue.name)", "shard.id": "\(target.shard)", "error": "\(error)"])
        }
    }

    /// Hints all these ranges. The first failure ends it: with a broker that is away, every further range would take
    /// the whole deadline again.
    public func announce(_ targets: [HintTarget]) async throws {
        let trace = TraceContext()
        let messages = targets.lazy.flatMap { target in
            target.hints.lazy.map { OutgoingMessage(hint: $0, of: target, trace: trace) }
        }
        try await publisher.publish(messages, deadline: deadline) { _ in }
    }

    /// Tells every worker that a job's control row changed; workers also see the row at their next claim.
    public func announce(_ control: ControlMessage) async throws {
        let message = Message(
            body: control.encoded(), type: MessageNames.controlType, messageID: control.messageID,
            correlationID: nil, headers: [:])
        try await publisher.publish(
            [
                OutgoingMessage(
                    exchange: MessageNames.controlExchange, routingKey: "", message: message, mandatory: false)
            ],
            deadline: deadline)
    }
}

extension Announcer {
    /// Publishes a delivered message again to the queue that it came from.
    func putBack(_ delivery: Delivery) async {
        do {
            try await publisher.publish(
                [OutgoingMessage(routingKey: delivery.queue, message: delivery.message)], deadline: deadline)
        } catch {
            logger.warning(
                "A hint could not be put back; idle workers will find the work in the catalogue",
                metadata: ["queue.name": "\(delivery.queue)", "error": "\(error)"])
        }
    }
}
