// A layout whose attributes a detector has yet to decide.

public import JSON

/// A layout some of whose objects have no attribute yet: what waits for a detector, and what a detector is asked.
public struct PendingLayout: Hashable, Sendable {
    /// The layout; an attribute that is pending reads ``Attribute/hard``.
    public private(set) var layout: Layout
    /// The places of the objects whose attributes are pending.
    public private(set) var pending: Set<Int>

    /// Takes the attributes at these places for pending.
    public init(_ layout: Layout, pending: Set<Int>) {
        precondition(pending.allSatisfy(layout.objects.indices.contains), "what is pending is an object's attribute")
        self.layout = layout
        self.pending = pending
        for place in pending { self.layout.objects[place].attribute = .hard }
    }

    /// The layout with every pending attribute decided by `rule` and what the detector found in the image: equation 2 of the
    /// paper.
    public func decided(by rule: AttributeRule, detections: [Detection]) -> Layout {
        decided { object in
            rule.attribute(ofBox: object.box, categoryID: object.categoryID, detections: detections)
        }
    }

    /// The layout with every pending attribute as `attribute` says.
    public func decided(_ attribute: (LayoutObject) -> Attribute) -> Layout {
        var layout = layout
        for place in pending { layout.objects[place].attribute = attribute(layout.objects[place]) }
        return layout
    }
}

extension PendingLayout {
    /// Canonical JSON: that of the layout (``Layout/encoded()``), without the attributes that are pending.
    public func encoded() -> [UInt8] { layout.encoded(lackingAttributes: pending) }

    /// Reads what ``encoded()`` wrote, and refuses what ``Layout/check()`` refuses.
    public init(decoding bytes: [UInt8]) throws(LayoutError) {
        var reader = JSONReader<JSONFault>(bytes)
        do {
            self = try PendingLayout(&reader)
            try reader.finish()
        } catch {
            throw Layout.contentError(
                "\(error.part.isEmpty ? "top" : error.part), byte \(error.byte)",
                expected: error.expected, found: error.found)
        }
        try layout.check()
    }

    /// Reads what comes next in a longer text; the caller must ``Layout/check()`` its layout.
    public init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        var pending: Set<Int> = []
        let layout = try Layout.read(&reader) { _, place in pending.insert(place) }
        self.init(layout, pending: pending)
    }
}
