// The committed inputs of the fuzzer through their readers, without the fuzzer: ordinary builds keep its promises, too.

import Fixtures
import Foundation
import Testing

@Suite(.serialized) struct CorpusTests {
    private static let corpus = Surroundings.root + "/Tests/Fuzz/corpus"

    private static func entries(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test func everyReaderHasInputsAndNoInputIsWithoutAReader() throws {
        #expect(try Self.entries(Self.corpus) == Targets.all.map(\.name).sorted())
        for name in try Self.entries(Self.corpus) {
            #expect(try !Self.entries("\(Self.corpus)/\(name)").isEmpty, "\(name)")
        }
    }

    /// A broken promise is a failed precondition: it ends this process, and its message names the promise.
    @Test(arguments: Targets.all.map(\.name))
    func everyInputIsReadOrRefusedAsPromised(name: String) throws {
        let target = try #require(Targets.all.first { $0.name == name })
        for file in try Self.entries("\(Self.corpus)/\(name)") {
            target.run(Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.corpus)/\(name)/\(file)"))))
        }
    }

    /// A reader that refuses everything would keep every promise.
    @Test(arguments: Targets.all.map(\.name))
    func oneInputOfEachReaderIsAccepted(name: String) throws {
        let target = try #require(Targets.all.first { $0.name == name })
        let accepted = try Self.entries("\(Self.corpus)/\(name)").filter { file in
            let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.corpus)/\(name)/\(file)")))
            do {
                try target.body(bytes)
                return true
            } catch {
                return false
            }
        }
        #expect(!accepted.isEmpty)
    }
}
