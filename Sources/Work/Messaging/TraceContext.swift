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
        // A long or strange header must not travel on: the broker refuses messages whose headers fill a frame.
        let parts = (header ?? "").split(separator: "-", omittingEmptySubsequences: false)
        let isValid =
            parts.map(\.utf8.count) == [2, 32, 16, 2] && parts[0] == "00"
            && parts.allSatisfy { $0.utf8.allSatisfy(Self.isLowerCaseHex) }
            && parts[1...2].allSatisfy { $0.utf8.contains { $0 != UInt8(ascii: "0") } }
        guard isValid, let header else {
            self.init()
            return
        }
        self.init(traceparent: header)
    }

    private init(traceparent: String) { self.traceparent = traceparent }

    private static func isLowerCaseHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
