// The generator `sketch`: an image depends on its task and the specification alone.

import Layouts
import Pixels
import Tasks
import Testing

@testable import Handlers

struct SketchGeneratorTests {
    private let specification = Made.specification(width: 96, height: 64)

    @Test func bytesAreTheSameInEveryBatchAndOrder() async throws {
        let tasks = (0..<6).map { Made.task(image: 100 + $0) }
        let alone = try await tasks.asyncMap { try await images([$0])[0].png() }
        #expect(Set(alone).count == tasks.count)
        #expect(try await images(tasks).map { try $0.png() } == alone)
        #expect(try await images(tasks.reversed()).map { try $0.png() } == alone.reversed())
        #expect(try await images(Array(tasks[2..<5])).map { try $0.png() } == Array(alone[2..<5]))
    }

    @Test func theSeedAndTheLayoutBothCount() async throws {
        let task = Made.task(image: 1)
        var other = task
        other.seed += 1
        var moved = task
        moved.layout.objects[0].box.x += 20
        var promptOnly = task
        promptOnly.prompt = "another"
        let images = try await images([task, other, moved, promptOnly])
        #expect(images[0] != images[1] && images[0] != images[2])
        #expect(images[0] == images[3])
    }

    @Test func sizesAreThoseOfTheSpecification() async throws {
        for (width, height) in [(8, 8), (96, 64), (320, 184)] {
            let generator = SketchGenerator()
            let results = try await generator.generate(
                [Made.task(image: 1)], specification: Made.specification(width: width, height: height))
            let image = try results[0].get()
            #expect(image.width == width && image.height == height)
        }
    }

    @Test func layoutsAtTheEdgesAreDrawn() async throws {
        let edges = [
            Box(x: 0, y: 0, width: 200, height: 100), Box(x: 199.9, y: 99.9, width: 0.1, height: 0.1),
            Box(x: -10, y: -10, width: 5, height: 5), Box(x: 0, y: 50, width: 200, height: 0.01),
        ]
        let task = Made.task(image: 3, boxes: edges)
        #expect(try await images([task]).count == 1)
        #expect(try await images([Made.task(image: 3, boxes: [])]).count == 1)
    }

    @Test func itSaysWhatItIs() {
        let description = SketchGenerator(maximumBatch: 7).describe()
        #expect(description.name == "sketch" && description.maximumBatch == 7 && description.checkpointDigest == nil)
    }

    private func images(_ tasks: [LayoutTask]) async throws -> [Image] {
        try await SketchGenerator().generate(tasks, specification: specification).map { try $0.get() }
    }
}

extension Array {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
