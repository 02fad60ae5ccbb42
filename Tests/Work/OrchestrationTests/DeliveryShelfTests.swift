// Deliveries that wait for room: order, staleness, and the end.

import Broker
import Tasks
import Testing

@testable import Orchestration

struct DeliveryShelfTests {
    private static let sketch = WorkQueue.lanes(of: .generate, Capability(rawValue: "sketch"))
    private static let blank = WorkQueue.lanes(of: .generate, Capability(rawValue: "blank"))
    private static let queues = sketch + blank
    private static let (sketchHigh, sketchNormal) = (sketch[0].name, sketch[1].name)
    private static let (blankHigh, blankNormal) = (blank[0].name, blank[1].name)

    @Test func theHighLaneIsTakenFirstWhateverCameFirst() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        for queue in [Self.blankNormal, "unknown", Self.sketchNormal, Self.blankHigh, Self.sketchHigh] {
            #expect(shelf.put(delivery(queue)))
        }
        var taken: [String?] = []
        for _ in 0..<5 { taken.append(await shelf.take()?.queue) }
        #expect(taken == [Self.sketchHigh, Self.blankHigh, Self.sketchNormal, Self.blankNormal, "unknown"])
    }

    @Test func theQueuesOfALaneTakeTurns() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        var taken: [String?] = []
        for _ in 0..<6 {
            for queue in [Self.sketchNormal, Self.blankNormal] { #expect(shelf.put(delivery(queue))) }
            taken.append(await shelf.take()?.queue)
        }
        #expect(taken == [0, 1, 0, 1, 0, 1].map { [Self.sketchNormal, Self.blankNormal][$0] })
    }

    @Test func whatIsKeptWaitsSinceItCame() async throws {
        let shelf = DeliveryShelf(queues: Self.queues)
        #expect(shelf.put(delivery(Self.sketchNormal)))
        let came = ContinuousClock.now
        while came.duration(to: .now) < .milliseconds(2) { await Task.yield() }
        let taken = try #require(await shelf.take())
        #expect(shelf.keep(taken))
        #expect(shelf.takeStale(patience: .milliseconds(2)).count == 1)
        shelf.close()
        #expect(!shelf.keep(taken), "nobody takes it any more")
    }

    @Test func oneQueueIsServedInOrder() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        for number in 1...3 { #expect(shelf.put(delivery(Self.sketchNormal, number: UInt64(number)))) }
        for number in 1...3 { #expect(await shelf.take()?.tag.number == UInt64(number)) }
    }

    @Test func aDeliveryGoesToWhoWaits() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        // Whether the taker waits already or comes later, it gets the delivery.
        async let taken = shelf.take()
        #expect(shelf.put(delivery(Self.blankNormal)))
        #expect(await taken?.queue == Self.blankNormal)
    }

    @Test func onlyWhatWaitedTooLongIsStaleAndItLeavesTheShelf() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        #expect(shelf.put(delivery(Self.sketchNormal)))
        #expect(shelf.put(delivery(Self.blankNormal)))
        #expect(shelf.takeStale(patience: .seconds(3600)).isEmpty)
        // Less than no patience: everything is older than a moment to come.
        #expect(shelf.takeStale(patience: .seconds(-3600)).map(\.queue) == [Self.sketchNormal, Self.blankNormal])
        #expect(shelf.takeStale(patience: .seconds(-3600)).isEmpty)
        #expect(shelf.put(delivery(Self.sketchNormal, number: 9)))
        #expect(await shelf.take()?.tag.number == 9)
    }

    @Test func closingEndsTheWaitForGood() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        async let waiting = shelf.take()
        #expect(shelf.close().isEmpty)
        #expect(await waiting == nil)
        #expect(!shelf.put(delivery(Self.blankNormal)), "nobody takes it any more")
        #expect(await shelf.take() == nil)
        #expect(shelf.close().isEmpty)
    }

    @Test func closingHandsBackWhatNobodyTook() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        for queue in [Self.sketchNormal, Self.blankNormal] { #expect(shelf.put(delivery(queue))) }
        #expect(shelf.close().map(\.queue) == [Self.sketchNormal, Self.blankNormal])
        #expect(await shelf.take() == nil)
        #expect(shelf.takeStale(patience: .seconds(-3600)).isEmpty)
    }

    @Test func theLastDeliveryIsRemembered() {
        let shelf = DeliveryShelf(queues: Self.queues)
        let before = shelf.lastDelivery
        #expect(shelf.put(delivery(Self.blankNormal)))
        #expect(shelf.lastDelivery >= before)
    }

    private func delivery(_ queue: String, number: UInt64 = 1) -> Delivery {
        Delivery(
            message: Message(body: [], type: "t", messageID: "m"), queue: queue, redelivered: false,
            tag: DeliveryTag(number: number, generation: 1))
    }
}
