// The bounds of the delays and that they are spread.

import Executors
import Fixtures
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
        var generator = SeededGenerator(seed: 7)
        let delays = (0..<1000).map { _ in backoff.delay(attempt: 2, using: &generator) }
        #expect(delays.allSatisfy { $0 >= .zero && $0 <= .milliseconds(400) })
        #expect(delays.contains { $0 < .milliseconds(20) })
        #expect(delays.contains { $0 > .milliseconds(380) })
    }

    @Test func equalSeedsGiveEqualDelays() {
        var first = SeededGenerator(seed: 1), second = SeededGenerator(seed: 1)
        #expect(backoff.delay(attempt: 5, using: &first) == backoff.delay(attempt: 5, using: &second))
    }
}
