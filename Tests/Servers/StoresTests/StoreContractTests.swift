// What every store keeps: objects and archives, their ages, and what is refused.

import Digests
import Files
import Fixtures
import Foundation
import Testing

@testable import Stores

@Suite struct StoreContractTests {
    private func expect(_ code: StoreError.Code, _ body: () throws -> Void) -> StoreError? {
        let error = #expect(throws: StoreError.self) { try body() }
        #expect(error?.code == code, "\(error?.description ?? "")")
        return error
    }

    @Test(arguments: StoreKind.allCases) func anObjectIsNamedByItsContent(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let object = try store.put(abc, extension: "png")
        #expect(object.digest.hex == abcHex && object.size == 3)
        #expect(object.name.key == "objects/ba/\(abcHex.dropFirst(2)).png")
        #expect(store.place(of: .object(object.name)).hasSuffix(object.name.key))
        #expect(try store.read(object.name, size: object.size) == abc)
        #expect(try store.entry(.object(object.name))?.description == "3 bytes")
    }

    @Test(arguments: StoreKind.allCases) func damageIsReplacedWhenTheObjectIsPut(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let object = try store.put(abc, extension: "png")
        for damage in ["ab", "abd"] {
            try stage.plant(object.name.key, damage)
            _ = try store.put(abc, extension: "png")
            #expect(try store.read(object.name, size: object.size) == abc)
        }
    }

    @Test(arguments: StoreKind.allCases) func puttingAgainMakesAnObjectYoungAgain(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let name = StoreName.object(try store.put(abc, extension: "png").name)
        try stage.makeOld(name.key, seconds: 7200)
        #expect(try #require(try store.entry(name)).age > .seconds(7000))
        _ = try store.put(abc, extension: "png")
        #expect(try #require(try store.entry(name)).age < .seconds(60))
        #expect(try !store.remove(name, olderThan: .seconds(3600)))
        #expect(try store.size(of: name) == 3)
    }

    @Test(arguments: StoreKind.allCases) func onlyOldFilesAreRemoved(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        try stage.publish("tar", as: try archive())
        for name in [StoreName.object(try store.put(abc, extension: "png").name), .archive(try archive())] {
            #expect(try !store.remove(name, olderThan: .seconds(3600)))
            try stage.makeOld(name.key, seconds: 7200)
            #expect(try store.remove(name, olderThan: .seconds(3600)))
            #expect(try !store.remove(name, olderThan: .seconds(3600)))
            #expect(try store.entry(name) == nil)
        }
    }

    /// A store that cannot look at the age and remove in one step removes nothing younger than its grace, whatever it is
    /// asked; whoever has put something can rely on it for half of that, though it was there before.
    @Test(arguments: StoreKind.allCases) func nothingYoungerThanTheGraceIsRemoved(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let grace = Double(store.graceAge.components.seconds)
        #expect((grace > 0) == (kind == .memoryWithGrace))
        let name = StoreName.object(try ObjectName(SHA256.digest(of: abc), extension: "png"))
        for share in [0.4, 0.6, 0.9] {
            _ = try store.put(abc, extension: "png")
            try stage.makeOld(name.key, seconds: grace * share)
            _ = try store.put(abc, extension: "png")
            let remaining = store.graceAge - (try #require(try store.entry(name)).age)
            #expect(grace == 0 || remaining >= store.graceAge / 2)
            try stage.makeOld(name.key, seconds: grace * share + 1)
            #expect(try store.remove(name, olderThan: .zero) == (grace == 0))
        }
        _ = try store.put(abc, extension: "png")
        try stage.makeOld(name.key, seconds: grace + 1)
        #expect(try store.remove(name, olderThan: .zero))
    }

    @Test(arguments: StoreKind.allCases) func aBatchKeepsItsOrderAndItsDoubles(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let items = (0..<40).map { [UInt8($0 % 30), 1, 2] }
        let objects = try store.put(items, extension: "bin")
        #expect(objects.map(\.digest) == items.map { SHA256.digest(of: $0) })
        for (object, item) in zip(objects, items) { #expect(try store.read(object.name, size: 3) == item) }
        #expect(try store.allObjects().count == 30)
        #expect(try store.put([[UInt8]](), extension: "bin") == [])
    }

    @Test(arguments: StoreKind.allCases) func damageIsNoticedWhenReading(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let name = try store.put(abc, extension: "png").name
        try stage.plant(name.key, "abd")
        for attempt: () throws -> Void in [
            { _ = try store.read(name, size: 3) },
            { try store.verify(.object(name), size: 3, digest: name.digest) },
        ] {
            let error = expect(.corrupt, attempt)
            #expect(error?.description.contains(abcHex) == true)
            #expect(error?.description.contains(store.place(of: .object(name))) == true)
        }
        for attempt: () throws -> Void in [
            { _ = try store.read(name, size: 4) }, { _ = try store.open(.object(name), size: 2) },
            { _ = try store.digest(of: .object(name), size: 4) },
        ] {
            #expect(expect(.corrupt, attempt)?.description.contains("found 3 bytes") == true)
        }
    }

    @Test(arguments: StoreKind.allCases) func whatIsNotThereIsMissing(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let name = try ObjectName(SHA256.digest(of: abc), extension: "png")
        for name in [StoreName.object(name), .archive(try archive())] {
            #expect(try store.entry(name) == nil && store.size(of: name) == nil)
            #expect(try !store.remove(name, olderThan: .zero))
            let error = expect(.missing) { _ = try store.open(name, size: nil).bytes(at: 0, count: 1) }
            #expect(error?.description.contains(store.place(of: name)) == true)
            _ = expect(.missing) { try store.verify(name, size: 1, digest: SHA256.digest(of: abc)) }
        }
        _ = expect(.missing) { _ = try store.read(name, size: 3) }
    }

    @Test(arguments: StoreKind.allCases) func filesAreReadAtAnyPlace(kind: StoreKind) throws {
        let stage = try kind.stage()
        let text = String(repeating: "0123456789", count: 250_000)
        try stage.publish(text, as: try archive())
        let reader = try stage.opened.open(.archive(try archive()), size: text.utf8.count)
        #expect(try reader.size == 2_500_000 && reader.place == stage.opened.place(of: .archive(archive())))
        #expect(try reader.bytes(at: 1_234_567, count: 5) == Array("78901".utf8))
        #expect(try reader.bytes(at: 2_499_998, count: 5) == Array("89".utf8))
        #expect(try reader.bytes(at: 2_500_000, count: 1) == [])
        #expect(try reader.digest() == SHA256.digest(of: text))
        // What is published over it changes nothing for who has opened it.
        try stage.publish("new", as: try archive())
        #expect(try reader.bytes(at: 0, count: 3) == Array("012".utf8))
    }

    @Test(arguments: StoreKind.allCases) func publishingReplacesWhatIsThereAndTakesTheFile(kind: StoreKind) throws {
        let stage = try kind.stage()
        for text in ["first", "second"] {
            let file = try stage.scratchFile(text)
            try stage.opened.publish(file, as: try archive(), digest: SHA256.digest(of: text))
            try stage.opened.verify(.archive(try archive()), size: text.utf8.count, digest: SHA256.digest(of: text))
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
        let nothing = (stage.opened.scratch ?? .system).newFile()
        _ = expect(.missing) {
            try stage.opened.publish(nothing, as: try archive(1), digest: SHA256.digest(of: ""))
        }
        #expect(try stage.opened.entry(.archive(try archive(1))) == nil)
    }

    @Test(arguments: StoreKind.allCases) func aRemovedObjectMayComeBack(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let object = try store.put(abc, extension: "png")
        try stage.makeOld(object.name.key, seconds: 7200)
        #expect(try store.remove(.object(object.name), olderThan: .zero))
        #expect(try store.put(abc, extension: "png") == object)
        #expect(try store.read(object.name, size: 3) == abc)
    }

    /// Twenty at once put the same and other objects while somebody removes what is old.
    @Test(arguments: StoreKind.allCases) func whatIsPutWhileOthersRemoveIsThere(kind: StoreKind) async throws {
        let stage = try kind.stage(), store = stage.opened
        let items = (0..<8).map { [UInt8($0)] }
        for object in try store.put(items, extension: "png") { try stage.makeOld(object.name.key, seconds: 7200) }
        let names = try items.map { try ObjectName(SHA256.digest(of: $0), extension: "png") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    if number.isMultiple(of: 2) {
                        for name in names { _ = try store.remove(.object(name), olderThan: .seconds(3600)) }
                    } else {
                        _ = try store.put(items, extension: "png")
                    }
                }
            }
            try await group.waitForAll()
        }
        for (name, item) in zip(names, items) { #expect(try store.read(name, size: 1) == item) }
    }
}
