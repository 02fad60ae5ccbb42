// A hint as a message on the broker.

public import Broker
public import Catalogue
public import Tasks

extension OutgoingMessage {
    /// The message of a hint, for the queue that its target names.
    public init(hint: Hint, of target: HintTarget, trace: TraceContext) {
        self.init(
            routingKey: target.queue.name,
            message: Message(
                body: hint.encoded(), type: MessageNames.hintType, messageID: hint.messageID,
                correlationID: target.jobName, headers: ["traceparent": trace.traceparent]))
    }
}
