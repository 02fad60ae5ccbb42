// The generator `blank`: flat images of the asked size, as late as it is told.

import Pixels
import Tasks
import Testing

@testable import Handlers

struct BlankGeneratorTests {
    private let specification = Made.specification(width: 96, height: 64)
    private let tasks = (0..<3).map { Made.task(image: 100 + $0) }

    @Test func imagesAreFlatAndOfTheSpecificationsSize() async throws {
        for image in try await images(BlankGenerator(maximumBatch: 4)) {
            #expect(image == Image(width: 96, height: 64, fill: Color(red: 128, green: 128, blue: 128)))
        }
    }

    @Test func onlyTheSeedChangesTheColorAndOnlyWhereAsked() async throws {
        #expect(try Set(await images(BlankGenerator(maximumBatch: 4)).map { try $0.png() }).count == 1)
        let bySeed = BlankGenerator(maximumBatch: 4, coloring: .bySeed)
        let first = try await images(bySeed)
        #expect(try Set(first.map { try $0.png() }).count == tasks.count)
        #expect(try await images(bySeed) == first)
    }

    @Test func aBatchTakesAsManyDelaysAsItHasTasks() async throws {
        let generator = BlankGenerator(maximumBatch: 4, delay: .milliseconds(5))
        let time = try await ContinuousClock().measure { _ = try await images(generator) }
        #expect(time >= .milliseconds(5) * tasks.count)
    }

    @Test func theColoringIsPartOfTheDeviceClass() {
        let same = BlankGenerator(maximumBatch: 7).describe()
        #expect(same.name == "blank" && same.maximumBatch == 7 && same.checkpointDigest == nil)
        let bySeed = BlankGenerator(maximumBatch: 7, coloring: .bySeed).describe()
        #expect(bySeed.name == "blank" && bySeed.deviceClass != same.deviceClass)
    }

    private func images(_ generator: BlankGenerator) async throws -> [Image] {
        try await generator.generate(tasks, specification: specification).map { try $0.get() }
    }
}
