// Deliveries that wait for room: order, staleness, and the end.

import Broker
import Testing

@testable import Orchestration

struct DeliveryShelfTests {
    private static let queues = ["pack.high", "pack", "generate.high", "generate"]

    @Test func theMostUrgentQueueIsTakenFirstWhateverCameFirst() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        for queue in ["generate", "unknown", "pack", "generate.high", "pack.high"] {
            #expect(shelf.put(delivery(queue)))
        }
        var taken: [String?] = []
        for _ in 0..<5 { taken.append(await shelf.take()?.queue) }
        #expect(taken == ["pack.high", "pack", "generate.high", "generate", "unknown"])
    }

    @Test func oneQueueIsServedInOrder() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        for number in 1...3 { #expect(shelf.put(delivery("generate", number: UInt64(number)))) }
        for number in 1...3 { #expect(await shelf.take()?.tag.number == UInt64(number)) }
    }

    @Test func aDeliveryGoesToWhoWaits() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        // Whether the taker waits already or comes later, it gets the delivery.
        async let taken = shelf.take()
        #expect(shelf.put(delivery("pack")))
        #expect(await taken?.queue == "pack")
    }

    @Test func onlyWhatWaitedTooLongIsStaleAndItLeavesTheShelf() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        #expect(shelf.put(delivery("generate")))
        #expect(shelf.put(delivery("pack")))
        #expect(shelf.takeStale(patience: .seconds(3600)).isEmpty)
        // Less than no patience: everything is older than a moment to come.
        #expect(shelf.takeStale(patience: .seconds(-3600)).map(\.queue) == ["generate", "pack"])
        #expect(shelf.takeStale(patience: .seconds(-3600)).isEmpty)
        #expect(shelf.put(delivery("generate", number: 9)))
        #expect(await shelf.take()?.tag.number == 9)
    }

    @Test func closingEndsTheWaitForGood() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        async let waiting = shelf.take()
        #expect(shelf.close().isEmpty)
        #expect(await waiting == nil)
        #expect(!shelf.put(delivery("pack")), "nobody takes it any more")
        #expect(await shelf.take() == nil)
        #expect(shelf.close().isEmpty)
    }

    @Test func closingHandsBackWhatNobodyTook() async {
        let shelf = DeliveryShelf(queues: Self.queues)
        for queue in ["generate", "pack"] { #expect(shelf.put(delivery(queue))) }
        #expect(shelf.close().map(\.queue) == ["generate", "pack"])
        #expect(await shelf.take() == nil)
        #expect(shelf.takeStale(patience: .seconds(-3600)).isEmpty)
    }

    @Test func theLastDeliveryIsRemembered() {
        let shelf = DeliveryShelf(queues: Self.queues)
        let before = shelf.lastDelivery
        #expect(shelf.put(delivery("pack")))
        #expect(shelf.lastDelivery >= before)
    }

    private func delivery(_ queue: String, number: UInt64 = 1) -> Delivery {
        Delivery(
            message: Message(body: [], type: "t", messageID: "m"), queue: queue, redelivered: false,
            tag: DeliveryTag(number: number, generation: 1))
    }
}
