// The fan-out nudge: a job's control row changed.

import Foundation

/// Tells workers that a job was paused, resumed or cancelled. Its JSON Schema is
/// `schemas/messages/control.v1.schema.json`.
public struct ControlMessage: Hashable, Sendable, Codable {
    /// What was done to the job.
    public enum Action: String, Sendable, Codable { case pause, resume, cancel }

    /// The message version.
    public var version: Int
    /// The job's row in the catalogue.
    public var job: Int64
    /// What was done to the job.
    public var action: Action

    /// Makes a message of the current version.
    public init(job: Int64, action: Action) {
        version = Hint.version
        self.job = job
        self.action = action
    }

    /// The same for the same action on the same job.
    public var messageID: String { "\(action.rawValue)-\(job)" }

    /// The JSON body, keys sorted.
    public func encoded() -> [UInt8] {
        Array("{\"action\":\"\(action.rawValue)\",\"job\":\(job),\"version\":\(version)}".utf8)
    }

    /// Reads a body.
    public init(decoding body: [UInt8]) throws(TaskError) {
        do {
            self = try JSONDecoder().decode(ControlMessage.self, from: Data(body))
        } catch {
            throw TaskError(
                .unreadable,
                "control message: expected the JSON of schemas/messages/control.v1.schema.json, found "
                    + "\(body.count) bytes that do not decode"
            )
        }
        guard version == Hint.version, job >= 1 else {
            throw TaskError(
                .unreadable,
                "control message: expected version \(Hint.version) and a job from 1 on, found version \(version), job \(job)"
            )
        }
    }
}
