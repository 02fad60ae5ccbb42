// What a detect task records: an image's detections, and the attributes that follow from them.

public import Digests
import Foundation
import JSON
public import Layouts

/// The result of a detect task, in the catalogue's table `results`. Its JSON Schema is
/// `schemas/messages/detected.v1.schema.json`.
public struct DetectedImage: Hashable, Sendable {
    /// The version that this program writes and reads.
    static let currentVersion = 1

    /// The image's kept objects, each with the attribute that ``rule`` gives it.
    public var layout: Layout
    /// The rule of the layout's attributes.
    public var rule: AttributeRule
    /// What the detector found in the image, the surest first.
    public var detections: [Detection]
    /// SHA-256 over everything that changes the detector's boxes.
    public var detector: SHA256Digest
    /// SHA-256 of the picture's file, as the worker read it.
    public var picture: SHA256Digest

    /// Judges an image's objects by what was found in it.
    public init(
        _ objects: PendingLayout, rule: AttributeRule, detections: [Detection], detector: SHA256Digest,
        picture: SHA256Digest
    ) {
        layout = objects.decided(by: rule, detections: detections)
        self.rule = rule
        self.detections = detections
        self.detector = detector
        self.picture = picture
    }

    /// The same image under another rule; stuff stays background. Nothing is detected anew.
    public func judged(by rule: AttributeRule) -> DetectedImage {
        let things = layout.objects.indices.filter { layout.objects[$0].attribute != .background }
        return DetectedImage(
            PendingLayout(layout, pending: Set(things)), rule: rule, detections: detections, detector: detector,
            picture: picture)
    }

    /// Canonical JSON: equal results have equal bytes.
    public func encoded() -> [UInt8] {
        var text = JSONText()
        text.append("{\"beta\":")
        text.append(number: rule.beta)
        text.append(",\"detections\":[")
        for (place, detection) in detections.enumerated() {
            if place > 0 { text.append(",") }
            detection.append(to: &text)
        }
        text.append("],\"detector\":\"\(detector.hex)\",\"gamma\":")
        text.append(number: rule.gamma)
        let layout = String(decoding: layout.encoded(), as: UTF8.self)
        text.append(
            ",\"layout\":\(layout),\"picture\":\"\(picture.hex)\",\"same_class\":\(rule.sameClass),"
                + "\"version\":\(Self.currentVersion)}")
        return text.bytes
    }

    /// Reads what ``encoded()`` wrote.
    public init(decoding bytes: [UInt8]) throws(TaskError) {
        var reader = JSONReader<JSONFault>(bytes)
        do {
            self = try DetectedImage(&reader)
            try reader.finish()
            try layout.check()
        } catch let fault as JSONFault {
            throw TaskError(
                .unreadable,
                "result of a detect task: expected the JSON of schemas/messages/detected.v1.schema.json, found "
                    + "\(bytes.count) bytes that do not decode (\(fault.part.isEmpty ? "" : "\(fault.part), ")\(fault.reason))"
            )
        } catch {
            throw TaskError(.unreadable, "result of a detect task: \(error)")
        }
    }

    private init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        var version: Int?
        var layout: Layout?
        var detections: [Detection]?
        var gamma: Double?
        var beta: Double?
        var detector: SHA256Digest?
        var picture: SHA256Digest?
        var sameClass: Bool?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "version": try reader.read(key, into: &version) { (reader) throws(JSONFault) in try reader.count() }
            case "layout": try reader.read(key, into: &layout) { (reader) throws(JSONFault) in try Layout(&reader) }
            case "detections":
                try reader.read(key, into: &detections) { (reader) throws(JSONFault) in
                    // The image's id comes with the layout.
                    try reader.list { (reader) throws(JSONFault) in try Detection(&reader, imageID: 0) }
                }
            case "gamma":
                try reader.read(key, into: &gamma) { (reader) throws(JSONFault) in try reader.threshold() }
            case "beta":
                try reader.read(key, into: &beta) { (reader) throws(JSONFault) in try reader.threshold() }
            case "detector":
                try reader.read(key, into: &detector) { (reader) throws(JSONFault) in try reader.digest() }
            case "picture":
                try reader.read(key, into: &picture) { (reader) throws(JSONFault) in try reader.digest() }
            case "same_class":
                try reader.read(key, into: &sameClass) { (reader) throws(JSONFault) in try reader.flag() }
            default: try reader.skip()
            }
        }
        guard try reader.required("version", version) == Self.currentVersion else {
            throw reader.failure("version \(Self.currentVersion) before this")
        }
        let whole = try reader.required("layout", layout)
        self.layout = whole
        rule = AttributeRule(
            gamma: try reader.required("gamma", gamma),
            beta: try reader.required("beta", beta),
            sameClass: try reader.required("same_class", sameClass))
        self.detections = try reader.required("detections", detections).map { detection in
            var detection = detection
            detection.imageID = whole.imageID
            return detection
        }
        self.detector = try reader.required("detector", detector)
        self.picture = try reader.required("picture", picture)
    }
}

extension JSONReader<JSONFault> {
    /// gamma or beta of eq. 2.
    fileprivate mutating func threshold() throws(JSONFault) -> Double {
        let number = try number()
        guard JobRanges.thresholds.contains(number) else { throw failure("a number from 0 to 1 before this") }
        return number
    }

    /// SHA-256 in hexadecimal.
    fileprivate mutating func digest() throws(JSONFault) -> SHA256Digest {
        guard let digest = SHA256Digest(hex: try text()) else { throw failure("64 hexadecimal digits before this") }
        return digest
    }
}
