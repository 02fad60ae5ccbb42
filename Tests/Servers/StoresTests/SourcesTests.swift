// Where stores keep things is their own knowledge: nobody else builds the path of an object or an archive.

import Fixtures
import Foundation
import Testing

@Suite struct SourcesTests {
    @Test func onlyStoresBuildThePathsOfTheirFiles() throws {
        let sources = Surroundings.root + "/Sources"
        let enumerator = try #require(FileManager.default.enumerator(atPath: sources))
        var looked = 0
        for case let file as String in enumerator
        where file.hasSuffix(".swift") && !file.hasPrefix("Servers/Stores/") {
            looked += 1
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(sources)/\(file)"))
            // Most files have none of the words, and looking at every line of all takes ten seconds.
            guard ["objects", "shards", "/tmp"].contains(where: { bytes.firstRange(of: Data($0.utf8)) != nil }) else {
                continue
            }
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where Self.isPath(line) {
                Issue.record("\(file): \(line): take the name's key, or let the store say the place")
            }
        }
        #expect(looked > 300)
    }

    @Test(arguments: [
        (#"let path = "objects/\(hex)""#, true), (#"    return "shards/\(job)/x.tar""#, true),
        (#"open("\(root)/objects")"#, true), (#"open("\(store.place)/tmp/\(name)")"#, true),
        (#"open(root + "/shards")"#, true), ("/// Below `objects/ab` and \"shards/x\"", false),
        (#"Table("job", "objects", "shards")"#, false), (#"case objects, shards"#, false),
        (#"tell("10 objects, 3 shards")"#, false), (#"let folder = "/tmp""#, false),
    ])
    func aPathIsKnownByItsParts(line: String, isPath: Bool) { #expect(Self.isPath(line[...]) == isPath) }

    /// Whether a line of code, comments left out, spells a folder of a store within a path.
    private static func isPath(_ line: Substring) -> Bool {
        let code = line.prefix(upTo: line.firstRange(of: "//")?.lowerBound ?? line.endIndex)
        return code.contains(/["\/](objects|shards)\/|\/(objects|shards)"|\)\/tmp["\/]/)
    }
}
