// Messages from frames: whole, empty, huge and out of order.

import Testing

@testable import Broker

@Suite struct ContentAssemblerTests {
    private let purpose = ContentAssembler.Purpose.delivery(consumerTag: "q", number: 1, redelivered: false)
    private let properties = Message(body: [], type: "t", messageID: "m")

    private func assemble(_ size: Int, pieces: Int) -> ContentAssembler.Content? {
        var assembler = ContentAssembler()
        var completed: ContentAssembler.Content?
        var isAccepted = assembler.begin(purpose)
        isAccepted = assembler.header(properties, bodySize: size, completed: &completed) && isAccepted
        var offset = 0
        while completed == nil, offset < size {
            let count = min(pieces, size - offset)
            let piece = (offset..<offset + count).map { UInt8(truncatingIfNeeded: $0) }
            isAccepted = assembler.body(piece, completed: &completed) && isAccepted
            offset += count
        }
        #expect(isAccepted)
        #expect(assembler.isIdle)
        return completed
    }

    @Test(arguments: [(0, 10), (1, 10), (10, 10), (25, 10), (Delivery.largestBody, 131_064)])
    func keepsBodiesUpToTheLimitWhole(size: Int, pieces: Int) throws {
        let content = try #require(assemble(size, pieces: pieces))
        #expect(content.message.body == (0..<size).map { UInt8(truncatingIfNeeded: $0) })
        #expect(content.bodySize == size)
        #expect(content.message.type == "t")
    }

    @Test func cutsAnOversizedBody() throws {
        let content = try #require(assemble(Delivery.largestBody + 1, pieces: 100_000))
        #expect(content.message.body.count == Delivery.keptOfOversizedBody)
        #expect(content.bodySize == Delivery.largestBody + 1)
        let delivery = Delivery(
            message: content.message, queue: "q", redelivered: false, tag: DeliveryTag(number: 1, generation: 1),
            bodySize: content.bodySize)
        #expect(delivery.isOversized)
    }

    @Test func refusesFramesOutOfOrder() {
        var assembler = ContentAssembler()
        var completed: ContentAssembler.Content?
        let answers = [
            assembler.body([1], completed: &completed),
            assembler.header(properties, bodySize: 1, completed: &completed),
            assembler.begin(purpose),
            assembler.begin(purpose),
            assembler.header(properties, bodySize: 2, completed: &completed),
            assembler.body([1, 2, 3], completed: &completed),
        ]
        #expect(answers == [false, false, true, false, true, false])
        #expect(completed == nil)
    }
}
