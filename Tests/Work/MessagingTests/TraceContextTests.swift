// The trace that ties the messages of one enqueueing together.

import Messaging
import Testing

struct TraceContextTests {
    @Test func aTraceIsContinuedAsItIs() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        #expect(TraceContext(continuing: header).traceparent == header)
    }

    @Test(arguments: [
        nil, "", "nonsense", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319z-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-" + String(repeating: "0", count: 100_000),
        "00-äaf7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
    ])
    func whatIsNoTraceBeginsANewOne(header: String?) throws {
        let trace = TraceContext(continuing: header).traceparent
        #expect(trace != header)
        #expect(trace.wholeMatch(of: /00-[0-9a-f]{32}-[0-9a-f]{16}-01/) != nil)
    }

    @Test func newTracesDiffer() { #expect(Set((0..<100).map { _ in TraceContext() }).count == 100) }
}
