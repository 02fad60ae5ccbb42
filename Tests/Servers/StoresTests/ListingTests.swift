// Listing tells a store's own files from others, in every kind of store.

import Digests
import Foundation
import Testing

@testable import Stores

@Suite struct ListingTests {
    @Test(arguments: StoreKind.allCases) func foreignFilesAmongObjectsAreNamedAndNoObjects(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let objects = try store.put([[1], [2], [3]], extension: "png").sorted { $0.digest < $1.digest }
        let prefix = String(objects[0].digest.hex.prefix(2))
        let foreign = [
            "objects/\(prefix)/\(String(repeating: "0", count: 61)).png", "objects/\(prefix)/README",
            "objects/\(prefix)/\(String(repeating: "A", count: 62)).png",
            "objects/\(prefix)/\(String(repeating: "a", count: 62)).PNG",
        ]
        for key in foreign + ["objects/README", "objects/AB/x", "objects/abc/x"] { try stage.plant(key, "x") }
        #expect(try store.allObjects() == objects)
        let listed = try store.objects(withPrefix: prefix)
        #expect(Set(listed.foreign) == Set(foreign))
        #expect(try store.foreignEntries() == ["objects/AB", "objects/README", "objects/abc"])
        #expect(try store.objects(withPrefix: "zz").objects == [])
    }

    @Test(arguments: StoreKind.allCases) func onlyObjectsOfAnAgeAreListed(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let object = try store.put([1], extension: "png")
        let prefix = String(object.digest.hex.prefix(2))
        #expect(try store.objectPrefixes() == [prefix])
        #expect(try store.objects(withPrefix: prefix, olderThan: .seconds(3600)).objects == [])
        try stage.makeOld(object.name.key, seconds: 7200)
        #expect(try store.objects(withPrefix: prefix, olderThan: .seconds(3600)).objects == [object])
    }

    @Test(arguments: StoreKind.allCases) func archivesAreKnownByTheirNames(kind: StoreKind) throws {
        let stage = try kind.stage(), store = stage.opened
        let ours = ["shards/a-1/a-1-000000.tar", "shards/a-1/a-1-1234567.tar"]
        let others = [
            "shards/a-1/a-1-0.tar", "shards/a-1/a-1-000001.tar.part", "shards/a-1/b-000000.tar", "shards/a-1/notes",
            "shards/a-1/a-1--00001.tar", "shards/a-1/a-1-0000001.tar",
        ]
        for key in ours + others + ["shards/.hidden/.hidden-000000.tar", "shards/loose.tar"] {
            try stage.plant(key, "x")
        }
        let listed = try store.archives(ofJob: "a-1")
        #expect(listed.archives.map(\.key) == ours && listed.archives.map(\.number) == [0, 1_234_567])
        #expect(Set(listed.foreign) == Set(others))
        #expect(try store.archives(ofJob: ".hidden").archives.isEmpty)
        #expect(try store.archives(ofJob: ".hidden").foreign == ["shards/.hidden/.hidden-000000.tar"])
        #expect(try store.archivedJobs() == [".hidden", "a-1"])
        #expect(try store.foreignEntries() == ["shards/loose.tar"])
    }
}
