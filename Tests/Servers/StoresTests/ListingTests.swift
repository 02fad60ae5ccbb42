// Listing tells a store's own files from others.

import Digests
import Foundation
import Testing

@testable import Stores

@Suite struct ListingTests {
    @Test func foreignFilesAmongObjectsAreNamedAndNoObjects() throws {
        let fixture = try Fixture()
        let objects = try fixture.store.put([[1], [2], [3]], extension: "png").sorted { $0.path < $1.path }
        let folder = String(objects[0].path.dropFirst(8).prefix(2))
        try FileManager.default.createSymbolicLink(
            atPath: "\(fixture.root)/objects/\(folder)/\(String(repeating: "f", count: 62)).png",
            withDestinationPath: fixture.store.absolutePath(of: objects[1].path))
        let foreign = [
            "objects/\(folder)/\(String(repeating: "0", count: 61)).png", "objects/\(folder)/README",
            "objects/\(folder)/\(String(repeating: "A", count: 62)).png",
        ]
        for path in foreign { try fixture.write(path) }
        for path in ["objects/README", "objects/AB/x", "objects/abc/x"] { try fixture.write(path) }
        #expect(try fixture.store.allObjects() == objects)
        let listed = try fixture.store.list(objectFolder: folder)
        #expect(Set(listed.foreign) == Set(foreign + ["objects/\(folder)/\(String(repeating: "f", count: 62)).png"]))
        #expect(try fixture.store.foreignEntries() == ["objects/AB", "objects/README", "objects/abc"])
    }

    @Test func onlyObjectsOfAnAgeAreListed() throws {
        let fixture = try Fixture()
        let object = try fixture.store.put([1], extension: "png")
        let folder = String(object.path.dropFirst(8).prefix(2))
        #expect(try fixture.store.list(objectFolder: folder, olderThan: .seconds(3600)).objects == [])
        try fixture.makeOld(object.path, seconds: 7200)
        #expect(try fixture.store.list(objectFolder: folder, olderThan: .seconds(3600)).objects == [object])
    }

    @Test func archivesAreKnownByTheirNames() throws {
        let fixture = try Fixture()
        let ours = ["shards/a-1/a-1-000000.tar", "shards/a-1/a-1-1234567.tar"]
        let others = [
            "shards/a-1/a-1-0.tar", "shards/a-1/a-1-000001.tar.part", "shards/a-1/b-000000.tar", "shards/a-1/notes",
            "shards/a-1/a-1--00001.tar",
        ]
        for path in ours + others + ["shards/.hidden/.hidden-000000.tar", "shards/loose.tar"] {
            try fixture.write(path)
        }
        let files = try fixture.store.shardFiles(ofJob: "a-1")
        #expect(files.filter { $0.number != nil }.map(\.path) == ours)
        #expect(files.compactMap(\.number) == [0, 1_234_567])
        #expect(Set(files.filter { $0.number == nil }.map(\.path)) == Set(others))
        #expect(try fixture.store.shardFiles(ofJob: ".hidden").map(\.number) == [nil])
        #expect(try fixture.store.shardFolders() == [".hidden", "a-1"])
        #expect(try fixture.store.foreignEntries() == ["shards/loose.tar"])
    }
}
