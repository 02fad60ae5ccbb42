// A gate's rules as people write them.

import ErrorLines
import JSON

extension QualityGate {
    /// Reads a file like `{"min_score":0.3,"min_recall":1,"retries":3,"otherwise":"drop"}`; what is left out is as in
    /// ``init(minScore:minIoU:sameClass:minRecall:retries:otherwise:)``. Its JSON Schema is `schemas/gate.schema.json`.
    ///
    /// Throws ``LayoutError`` for a file that cannot be read, JSON that is none, unknown or repeated keys, and values out of
    /// range.
    public init(file path: String) throws(LayoutError) {
        let bytes = try TextFile(path: path, subject: "gate").readAll()
        var reader = JSONReader<JSONFault>(bytes)
        do {
            self = try QualityGate(&reader)
            try reader.finish()
        } catch {
            let place = error.part.isEmpty ? "byte \(error.byte)" : "\(error.part), byte \(error.byte)"
            throw LayoutError(
                .content,
                "cannot use the gate of \(path): \(place): expected \(error.expected), found \(error.found); a gate is "
                    + #"{"min_score":0.3,"min_iou":0.5,"same_class":true,"min_recall":1,"retries":3,"otherwise":"drop"}"#
            )
        }
    }

    private init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        var minScore: Double?
        var minIoU: Double?
        var sameClass: Bool?
        var minRecall: Double?
        var retries: Int?
        var otherwise: Otherwise?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "min_score": try reader.read(key, into: &minScore) { (reader) throws(JSONFault) in try reader.share() }
            case "min_iou": try reader.read(key, into: &minIoU) { (reader) throws(JSONFault) in try reader.share() }
            case "same_class":
                try reader.read(key, into: &sameClass) { (reader) throws(JSONFault) in try reader.flag() }
            case "min_recall":
                try reader.read(key, into: &minRecall) { (reader) throws(JSONFault) in
                    let fault = reader.failure(
                        "a number above 0 and up to 1; a gate that lets everything pass is no gate")
                    let share = try reader.share()
                    guard share > 0 else { throw fault }
                    return share
                }
            case "retries":
                try reader.read(key, into: &retries) { (reader) throws(JSONFault) in
                    let fault = reader.failure("a whole number of 0 to \(Self.mostRetries)")
                    let number = try reader.integer()
                    guard (0...Self.mostRetries).contains(number) else { throw fault }
                    return number
                }
            case "otherwise":
                try reader.read(key, into: &otherwise) { (reader) throws(JSONFault) in
                    let fault = reader.failure(
                        "one of \(Otherwise.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))")
                    guard let otherwise = Otherwise(rawValue: try reader.text()) else { throw fault }
                    return otherwise
                }
            case "$schema": _ = try reader.text()
            default:
                var fault = reader.failure(
                    "keys of min_score, min_iou, same_class, min_recall, retries, otherwise")
                fault.found = ErrorLine.quoted(key)
                throw fault
            }
        }
        let usual = QualityGate()
        self.init(
            minScore: minScore ?? usual.minScore, minIoU: minIoU ?? usual.minIoU,
            sameClass: sameClass ?? usual.sameClass, minRecall: minRecall ?? usual.minRecall,
            retries: retries ?? usual.retries, otherwise: otherwise ?? usual.otherwise)
    }
}

extension JSONReader where Failure == JSONFault {
    fileprivate mutating func share() throws(JSONFault) -> Double {
        let fault = failure("a number of 0 to 1")
        let number = try number()
        guard (0...1).contains(number) else { throw fault }
        return number
    }
}
