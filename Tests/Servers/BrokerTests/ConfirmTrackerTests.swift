// The confirm tracker against hand-made cases and a simple model.

import Fixtures
import Testing

@testable import Broker

@Suite struct ConfirmTrackerTests {
    private func entries(_ answered: [(Int, ConfirmTracker<Int>.Verdict)]) -> [Int] { answered.map(\.0) }

    @Test func numbersStartAtOne() {
        var tracker = ConfirmTracker<Int>()
        #expect(tracker.published(10) == 1)
        #expect(tracker.published(11) == 2)
        #expect(tracker.nextNumber == 3)
        #expect(tracker.outstandingCount == 2)
    }

    @Test func aMultipleAckAnswersForAllUpToItsNumber() {
        var tracker = ConfirmTracker<Int>()
        for entry in 1...5 { tracker.published(entry) }
        #expect(entries(tracker.acknowledged(2, multiple: false)) == [2])
        #expect(entries(tracker.acknowledged(4, multiple: true)) == [1, 3, 4])
        #expect(tracker.outstandingCount == 1)
    }

    @Test func anAnswerToNothingIsEmpty() {
        var tracker = ConfirmTracker<Int>()
        tracker.published(1)
        #expect(tracker.acknowledged(2, multiple: false).isEmpty)
        #expect(tracker.acknowledged(9, multiple: true).isEmpty)
        #expect(tracker.acknowledged(0, multiple: false).isEmpty)
        #expect(entries(tracker.acknowledged(1, multiple: false)) == [1])
        #expect(tracker.acknowledged(1, multiple: false).isEmpty)
        #expect(tracker.outstandingCount == 0)
    }

    @Test func zeroWithMultipleAnswersForEverything() {
        var tracker = ConfirmTracker<Int>()
        for entry in 1...3 { tracker.published(entry) }
        #expect(entries(tracker.acknowledged(0, multiple: true)) == [1, 2, 3])
    }

    @Test func aReturnedMessageIsNotConfirmedByItsAck() {
        var tracker = ConfirmTracker<Int>()
        for entry in [7, 8, 7] { tracker.published(entry) }
        #expect(tracker.returned(reason: "312 NO_ROUTE") { $0 == 7 })
        let answered = tracker.acknowledged(3, multiple: true)
        guard case .returned(let reason) = answered[0].1, case .confirmed = answered[1].1,
            case .confirmed = answered[2].1
        else {
            Issue.record("found \(answered)")
            return
        }
        #expect(reason == "312 NO_ROUTE")
        #expect(!tracker.returned(reason: "") { $0 == 7 })
    }

    @Test func aLossGivesBackWhatIsOutstandingInOrderAndStartsAnew() {
        var tracker = ConfirmTracker<Int>()
        for entry in 1...4 { tracker.published(entry) }
        _ = tracker.acknowledged(2, multiple: false)
        #expect(tracker.connectionLost() == [1, 3, 4])
        #expect(tracker.outstandingCount == 0)
        #expect(tracker.published(5) == 1)
    }

    @Test func agreesWithASimpleModelOverRandomHistories() {
        var random = SeededGenerator(seed: 20_240)
        for _ in 0..<60 {
            var tracker = ConfirmTracker<UInt64>()
            var model: Set<UInt64> = []
            var last: UInt64 = 0
            for _ in 0..<400 {
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<5:
                    last += 1
                    model.insert(last)
                    #expect(tracker.published(last) == last)
                case 5..<7:
                    let number = UInt64.random(in: 0...(last + 1), using: &random)
                    let expected: [UInt64] = model.contains(number) ? [number] : []
                    #expect(tracker.acknowledged(number, multiple: false).map(\.0) == expected)
                    model.remove(number)
                case 7..<9:
                    let number = UInt64.random(in: 1...(last + 1), using: &random)
                    let expected = number <= last ? model.filter { $0 <= number }.sorted() : []
                    #expect(tracker.refused(number, multiple: true).map(\.0) == expected)
                    model.subtract(expected)
                default:
                    guard Int.random(in: 0..<20, using: &random) == 0 else { continue }
                    #expect(tracker.connectionLost() == model.sorted())
                    model = []
                    last = 0
                }
                #expect(tracker.outstandingCount == model.count)
            }
        }
    }

    @Test func givesMemoryBackWhileTheOldestMessageStaysUnanswered() {
        var tracker = ConfirmTracker<Int>()
        for entry in 1...20_000 { tracker.published(entry) }
        for number in 2...20_000 { _ = tracker.acknowledged(UInt64(number), multiple: false) }
        #expect(tracker.outstandingCount == 1)
        #expect(entries(tracker.acknowledged(20_000, multiple: true)) == [1])
        #expect(tracker.published(1) == 20_001)
    }
}
