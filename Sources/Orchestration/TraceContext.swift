// The W3C trace context that ties the messages of one enqueueing together.

/// A trace that begins here; its identifier travels in the `traceparent` header (W3C Trace Context, level 1).
public struct TraceContext: Sendable, Hashable {
    /// `00-<32 hex digits of the trace>-<16 hex digits of the span>-01`.
    public let traceparent: String

    /// Begins a trace with random identifiers.
    public init() {
        let trace = Self.hex(UInt64.random(in: 1...UInt64.max)) + Self.hex(UInt64.random(in: 1...UInt64.max))
        traceparent = "00-\(trace)-\(Self.hex(UInt64.random(in: 1...UInt64.max)))-01"
    }

    /// Continues a trace that a message carried; anything that is not a `traceparent` begins a new one.
    public init(continuing header: String?) {
        let parts = (header ?? "").split(separator: "-", omittingEmptySubsequences: false)
        let isValid = parts.count == 4 && parts[0] == "00" && parts[1].count == 32 && parts[2].count == 16
        guard isValid, let header else {
            self.init()
            return
        }
        self.init(traceparent: header)
    }

    private init(traceparent: String) { self.traceparent = traceparent }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
