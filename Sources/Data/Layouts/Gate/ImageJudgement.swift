// What the gate found out about one image, as it is recorded beside it.

import JSON

/// Which try made an image, and what a detector found in it: enough to ask again with other thresholds.
///
/// It is recorded as canonical JSON; its JSON Schema is `schemas/messages/judgement.v1.schema.json`.
public struct ImageJudgement: Hashable, Sendable {
    /// Which retry made the image; 0 for the task's own seed.
    public var retry: Int
    /// The seed that made it.
    public var seed: UInt64
    /// Whether it passed the gate of its job.
    public var isPassed: Bool
    /// The share of its easy objects that were found.
    public var recall: Double
    /// The best detection of each object of the layout, in its order; `nil` for stuff and for objects without any.
    public var objects: [DetectedObject?]

    /// Judges an image by a gate.
    public init(gate: QualityGate, layout: Layout, retry: Int, seed: UInt64, objects: [DetectedObject?]) {
        self.retry = retry
        self.seed = seed
        self.objects = objects
        recall = gate.recall(of: layout, found: objects)
        isPassed = recall >= gate.minRecall
    }

    /// Canonical JSON: equal judgements have equal texts.
    public func encoded() -> String {
        var text = JSONText()
        text.append("{\"objects\":[")
        for (place, object) in objects.enumerated() {
            if place > 0 { text.append(",") }
            guard let object else {
                text.append("null")
                continue
            }
            text.append("{\"iou\":")
            text.append(number: object.iou)
            text.append(",\"score\":")
            text.append(number: object.score)
            text.append("}")
        }
        text.append("],\"passed\":\(isPassed),\"recall\":")
        text.append(number: recall)
        text.append(",\"retry\":\(retry),\"seed\":\(seed)}")
        return String(decoding: text.bytes, as: UTF8.self)
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// - Parameter count: how many objects the image's layout has.
    public init(decoding json: String, objects count: Int) throws(LayoutError) {
        var reader = JSONReader<JSONFault>(Array(json.utf8))
        do {
            self = try ImageJudgement(&reader)
            try reader.finish()
        } catch {
            throw LayoutError(
                .content,
                "cannot read a judgement at \(error.part.isEmpty ? "top" : error.part), byte \(error.byte): expected "
                    + "\(error.expected), found \(error.found); was it written by a newer version?")
        }
        guard objects.count == count else {
            throw LayoutError(
                .content,
                "cannot read a judgement: expected one entry for each of the layout's \(count) objects, found "
                    + "\(objects.count); was it written for another layout?")
        }
    }

    private init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        var objects: [DetectedObject?]?
        var isPassed: Bool?
        var recall: Double?
        var retry: Int?
        var seed: Int?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "objects":
                try reader.read(key, into: &objects) { (reader) throws(JSONFault) in
                    try reader.list { (reader) throws(JSONFault) in try DetectedObject.orNull(&reader) }
                }
            case "passed": try reader.read(key, into: &isPassed) { (reader) throws(JSONFault) in try reader.flag() }
            case "recall": try reader.read(key, into: &recall) { (reader) throws(JSONFault) in try reader.number() }
            case "retry": try reader.read(key, into: &retry) { (reader) throws(JSONFault) in try reader.count() }
            case "seed": try reader.read(key, into: &seed) { (reader) throws(JSONFault) in try reader.count() }
            default: try reader.skip()
            }
        }
        self.objects = try reader.required("objects", objects)
        self.isPassed = try reader.required("passed", isPassed)
        self.recall = try reader.required("recall", recall)
        self.retry = try reader.required("retry", retry)
        self.seed = UInt64(try reader.required("seed", seed))
    }
}

extension DetectedObject {
    fileprivate static func orNull(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) -> DetectedObject? {
        if try reader.kind() == .null {
            try reader.null()
            return nil
        }
        var score: Double?
        var iou: Double?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "score": try reader.read(key, into: &score) { (reader) throws(JSONFault) in try reader.number() }
            case "iou": try reader.read(key, into: &iou) { (reader) throws(JSONFault) in try reader.number() }
            default: try reader.skip()
            }
        }
        return DetectedObject(score: try reader.required("score", score), iou: try reader.required("iou", iou))
    }
}
