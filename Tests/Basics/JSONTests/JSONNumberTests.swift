// Numbers are exact, whichever way they are read.

import Fixtures
import Testing

@testable import JSON

@Suite struct JSONNumberTests {
    static func double(_ text: String) -> Double { Array(text.utf8).withUnsafeBufferPointer { JSONNumber.double($0) } }
    static func integer(_ text: String) -> Int? { Array(text.utf8).withUnsafeBufferPointer { JSONNumber.integer($0) } }

    @Test func doublesAreThoseOfTheStandardLibrary() {
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<20_000 {
            let digits = String(
                UInt64.random(in: 0...UInt64.max, using: &generator) >> UInt64.random(in: 0...60, using: &generator))
            let fraction = digits.dropFirst(Int.random(in: 1...digits.count, using: &generator))
            let cut = digits.count - fraction.count
            let exponent =
                Int.random(in: 0..<5, using: &generator) == 0 ? "e\(Int.random(in: -30...30, using: &generator))" : ""
            let sign = Int.random(in: 0..<5, using: &generator) == 0 ? "-" : ""
            let text = sign + digits.prefix(cut) + (fraction.isEmpty ? "" : "." + fraction) + exponent
            #expect(Self.double(text) == Double(text), "\(text)")
        }
        #expect(Self.double("531.8071000000001") == 531.8071000000001)
        #expect(Self.double("1e400") == .infinity)
    }

    @Test func integersAreExact() {
        #expect(Self.integer("397133") == 397133)
        #expect(Self.integer("-12") == -12)
        #expect(Self.integer("5.0") == 5)
        #expect(Self.integer("5.5") == nil)
        #expect(Self.integer("999999999999999999") == 999_999_999_999_999_999)
        #expect(Self.integer("1234567890123456790") == 1_234_567_890_123_456_790)
        #expect(Self.integer("9223372036854775807") == Int.max && Self.integer("-9223372036854775808") == Int.min)
        #expect(Self.integer("9223372036854775808") == nil && Self.integer("-9223372036854775809") == nil)
        #expect(Self.integer("9999999999999999999") == nil)
        // A double is not that number, so it is not taken for one.
        #expect(Self.integer("1234567890123456790.0") == nil)
    }
}
