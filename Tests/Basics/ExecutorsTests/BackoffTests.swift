// The bounds of the delays and that they are spread.

import Executors
import Testing

struct BackoffTests {
    private let backoff = Backoff(base: .milliseconds(100), cap: .seconds(15))

    @Test func boundDoublesUntilTheCap() {
        #expect(backoff.bound(attempt: 0) == .milliseconds(100))
        #expect(backoff.bound(attempt: 3) == .milliseconds(800))
        #expect(backoff.bound(attempt: 7) == .milliseconds(12_800))
        #expect(backoff.bound(attempt: 8) == .seconds(15))
        #expect(backoff.bound(attempt: .max) == .seconds(15))
    }

    @Test func attemptBelowZeroCountsAsTheFirst() {
        #expect(backoff.bound(attempt: -1) == .milliseconds(100))
    }

    @Test func delaysStayWithinTheBoundAndFillIt() {
        var generator = SplitMix64(state: 7)
        let delays = (0..<1000).map { _ in backoff.delay(attempt: 2, using: &generator) }
        #expect(delays.allSatisfy { $0 >= .zero && $0 <= .milliseconds(400) })
        #expect(delays.contains { $0 < .milliseconds(20) })
        #expect(delays.contains { $0 > .milliseconds(380) })
    }

    @Test func equalSeedsGiveEqualDelays() {
        var first = SplitMix64(state: 1), second = SplitMix64(state: 1)
        #expect(backoff.delay(attempt: 5, using: &first) == backoff.delay(attempt: 5, using: &second))
    }
}

/// A generator with a known sequence (Steele, Lea and Flood, 2014).
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
