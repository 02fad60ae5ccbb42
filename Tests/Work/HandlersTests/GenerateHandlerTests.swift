// Kind `generate`: what becomes of each task of a batch.

import Foundation
import Layouts
import Pixels
import Tasks
import Testing

@testable import Handlers
@testable import Stores

struct GenerateHandlerTests {
    private static let gray = Color(red: 90, green: 90, blue: 90)

    /// One plain image per task, with its own shade.
    private static let plain = ScriptedGenerator { tasks, specification in
        tasks.map { task in
            let shade = UInt8(task.layout.imageID % 256)
            let color = Color(red: shade, green: shade, blue: shade)
            return .success(Image(width: specification.width, height: specification.height, fill: color))
        }
    }

    @Test func outputsAreStoredUnderTheirHashes() async throws {
        try await Made.withStore { store in
            let handler = GenerateHandler(generator: Self.plain, store: store)
            let batch = try Made.batch(try (1...3).map { try Made.task(image: $0).encoded() })
            let results = try await handler.work(on: batch)()
            #expect(results.map(\.number).sorted() == [10, 11, 12])
            for result in results {
                guard case .image(let output) = result.outcome else {
                    Issue.record("expected an output, found \(result.outcome)")
                    continue
                }
                let bytes = try store.read(try ObjectName(output.digest, extension: "png"), size: output.bytes)
                #expect(bytes.count == output.bytes && output.width == 64 && output.height == 48)
                let shade = UInt8(result.number - 9)
                #expect(try Image(png: bytes).pixels.allSatisfy { $0 == shade })
            }
        }
    }

    @Test func anUnreadablePayloadFailsItsTaskAloneAndForGood() async throws {
        try await Made.withStore { store in
            let handler = GenerateHandler(generator: Self.plain, store: store)
            let good = try Made.task(image: 1).encoded()
            let results = try await handler.work(on: try Made.batch([good, Array("garbage".utf8), [], good]))()
            #expect(outputs(results) == [10, 13])
            #expect(failures(results).map(\.number) == [11, 12])
            #expect(failures(results).allSatisfy { $0.isPermanent && $0.reason.contains("layout task") })
        }
    }

    @Test func aBatchOfGarbageAsksNoGenerator() async throws {
        try await Made.withStore { store in
            let handler = GenerateHandler(
                generator: ScriptedGenerator { _, _ in throw GenerationFailure("asked", isPermanent: true) },
                store: store)
            let results = try await handler.work(on: try Made.batch([[1], [2]]))()
            #expect(failures(results).count == 2)
        }
    }

    @Test func anImageOfAnotherSizeFailsItsTaskAlone() async throws {
        try await Made.withStore { store in
            let generator = ScriptedGenerator { tasks, specification in
                tasks.indices.map { index in
                    let width = index == 1 ? specification.width + 8 : specification.width
                    return .success(Image(width: width, height: specification.height, fill: Self.gray))
                }
            }
            let handler = GenerateHandler(generator: generator, store: store)
            let results = try await handler.work(
                on:
                    try Made.batch(try (1...3).map { try Made.task(image: $0).encoded() }))()
            #expect(outputs(results) == [10, 12])
            let failure = try #require(failures(results).first)
            #expect(failure.number == 11 && failure.isPermanent)
            #expect(failure.reason == "expected an image of 64x48 pixels, found 72x48")
        }
    }

    @Test func aFailureOfOneImageIsAnOutcomeWithItsReason() async throws {
        try await Made.withStore { store in
            let generator = ScriptedGenerator { tasks, specification in
                tasks.indices.map { index in
                    guard index > 0 else { return .failure(GenerationFailure("no luck", isPermanent: false)) }
                    return .success(Image(width: specification.width, height: specification.height, fill: Self.gray))
                }
            }
            let handler = GenerateHandler(generator: generator, store: store)
            let results = try await handler.work(
                on:
                    try Made.batch(try (1...2).map { try Made.task(image: $0).encoded() }))()
            #expect(outputs(results) == [11])
            let failure = try #require(failures(results).first)
            #expect(failure.number == 10 && !failure.isPermanent && failure.reason == "no luck")
        }
    }

    @Test func aGeneratorThatThrowsFailsTheBatch() async throws {
        try await Made.withStore { store in
            let handler = GenerateHandler(
                generator: ScriptedGenerator { _, _ in throw GenerationFailure("device lost", isPermanent: false) },
                store: store)
            let batch = try Made.batch([try Made.task(image: 1).encoded()])
            let error = await #expect(throws: GenerationFailure.self) { _ = try await handler.work(on: batch) }
            #expect(error?.description == "device lost")
        }
    }

    @Test(arguments: [0, 1, 3])
    func aGeneratorThatMiscountsFailsTheBatch(count: Int) async throws {
        try await Made.withStore { store in
            let generator = ScriptedGenerator { _, specification in
                Array(
                    repeating: .success(
                        Image(width: specification.width, height: specification.height, fill: Self.gray)),
                    count: count)
            }
            let handler = GenerateHandler(generator: generator, store: store)
            let batch = try Made.batch(try (1...2).map { try Made.task(image: $0).encoded() })
            let error = await #expect(throws: GenerationFailure.self) { _ = try await handler.work(on: batch) }
            #expect(error?.description == "generator scripted: expected 2 images, found \(count)")
        }
    }

    @Test func aSpecificationThatCannotBeReadFailsTheBatch() async throws {
        try await Made.withStore { store in
            let handler = GenerateHandler(generator: Self.plain, store: store)
            var batch = try Made.batch([try Made.task(image: 1).encoded()])
            batch.job.specification = "{}"
            await #expect(throws: TaskError.self) { _ = try await handler.work(on: batch) }
        }
    }

    @Test func aStoreThatCannotBeWrittenPausesTheWorkAndKeepsTheResults() async throws {
        try await Made.withStore { store in
            let handler = GenerateHandler(generator: Self.plain, store: store)
            let keep = try await handler.work(on: try Made.batch([try Made.task(image: 1).encoded()]))
            // Nobody may create files in sysfs, root included.
            try await Made.replacing(store, "tmp", withLinkTo: "/sys/kernel") {
                let error = await #expect(throws: WorkPaused.self) { try await keep() }
                #expect(
                    error?.description.contains("let this user write there") == true, "\(String(describing: error))")
            }
            // The same results, stored once it can be written.
            #expect(outputs(try await keep()) == [10])
        }
    }

    @Test func aStoreThatIsAwayPausesTheWork() async throws {
        try await Made.withStore { store in
            let handler = GenerateHandler(generator: Self.plain, store: store)
            let keep = try await handler.work(on: try Made.batch([try Made.task(image: 1).encoded()]))
            try await Made.replacing(store, "tmp", withLinkTo: "/does/not/exist") {
                await #expect(throws: WorkPaused.self) { try await keep() }
            }
            #expect(outputs(try await keep()) == [10])
        }
    }

    @Test func onlyWhatTheSurroundingsMendIsAPause() throws {
        for code in [StoreError.Code.full, .readOnly, .missing, .away, .foreign, .other(EIO)] {
            #expect(throws: WorkPaused.self) { try pausing { () throws(StoreError) in throw StoreError(code, "x") } }
        }
        for code in [StoreError.Code.corrupt, .invalid] {
            #expect(throws: StoreError.self) { try pausing { () throws(StoreError) in throw StoreError(code, "x") } }
        }
        #expect(try pausing { () throws(StoreError) in 5 } == 5)
    }

    @Test func theCheckpointIsPartOfTheCapability() async throws {
        try await Made.withStore { store in
            var generator = Self.plain
            generator.checkpoint = String(repeating: "ab", count: 32)
            let description = GenerateHandler(generator: generator, store: store).description
            #expect(description.capability.rawValue == "scripted.abababababab")
            #expect(description.kind == .generate && description.maximumBatch == 4 && description.deviceClass == "none")
        }
    }
}
