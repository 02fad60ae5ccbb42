// A kind of task that no line of Sources knows: it records the bytes of its payload in reverse, and nothing follows it.

import Tasks

extension TaskKind {
    static let reverse = TaskKind(rawValue: "reverse")
}

extension Capability {
    static let mirror = Capability(rawValue: "mirror")
}

/// Kind `reverse`: text in, the same text from its end to its beginning out.
struct ReverseHandler: TaskHandler {
    let description = HandlerDescription(
        kind: .reverse, capability: .mirror, maximumBatch: 4, deviceClass: "mirror-1")

    func prepare() async throws {}

    func decode(_ payload: [UInt8]) throws -> String {
        guard let text = String(validating: payload, as: UTF8.self) else { throw NotText(size: payload.count) }
        return text
    }

    func compute(_ batch: DecodedBatch<String>) async throws -> StoreResults {
        let results = batch.items.map { item in
            TaskResult(
                number: item.number,
                outcome: .result(ResultRecord(Array(String(item.work.reversed()).utf8), form: .bytes)))
        }
        return { results }
    }
}

/// A payload that is no text.
struct NotText: Error, CustomStringConvertible {
    var size: Int
    var description: String { "reverse task: expected UTF-8, found \(size) bytes that are none" }
}
