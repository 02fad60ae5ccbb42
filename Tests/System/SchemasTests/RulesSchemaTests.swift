// The schemas of rules and targets against what the producer reads.

import Fixtures
import Foundation
import Testing

@Suite(.enabled(if: Readers.python != nil, Comment(rawValue: Readers.missing)))
struct RulesSchemaTests {
    /// What the producer says of a file of rules, before it looks for the annotation file.
    private static func errors(ofRules text: [UInt8]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json").path
        try Data(text).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try Commands().run(
            "producer", ["plan", "--annotations", "/nowhere", "--strategy", "mixed", "--rules", path]
        ).errors
    }

    /// The example of docs/strategies.md, and an input that has every key.
    @Test func whatTheProducerReadsIsValid() throws {
        let document = try String(contentsOfFile: Surroundings.root + "/docs/strategies.md", encoding: .utf8)
        let example = try #require(document.firstMatch(of: /```json\n(\{"rules"(?s:.+?))```/)).1
        let everyKey = Surroundings.root + "/Tests/Fuzz/corpus/rules/every-key.json"
        for text in [Array(example.utf8), Array(try Data(contentsOf: URL(fileURLWithPath: everyKey)))] {
            #expect(try Validation.violations(of: "rules.schema.json", in: [text.filter { $0 != 10 }]) == "")
            // What stops the command is the missing annotation file.
            #expect(try Self.errors(ofRules: text).contains("annotations from /nowhere"))
        }
    }

    /// The example of docs/strategies.md, and an input of the reader's.
    @Test func targetsThatTheProducerReadsAreValid() throws {
        let document = try String(contentsOfFile: Surroundings.root + "/docs/strategies.md", encoding: .utf8)
        let example = try #require(document.firstMatch(of: /`(\{"shares".+?\})`/)).1
        let input = try Data(contentsOf: URL(fileURLWithPath: Surroundings.root + "/Tests/Fuzz/corpus/target/two.json"))
        for text in [Array(example.utf8), input.filter { $0 != 10 }] {
            #expect(try Validation.violations(of: "target.schema.json", in: [text]) == "")
        }
    }

    @Test(arguments: [
        (#"{"nonsense":1}"#, []),
        (#"{"rules":[{"nonsense":1}],"otherwise":"hard"}"#, ["rules", "items", "properties"]),
        (
            #"{"rules":[{"when":{"nonsense":1},"use":"hard"}],"otherwise":"hard"}"#,
            ["rules", "items", "properties", "when", "properties"]
        ),
    ])
    func theSchemaListsTheKeysThatTheProducerKnows(text: String, place: [String]) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Surroundings.root + "/schemas/rules.schema.json"))
        let schema = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let properties = try #require((["properties"] + place).reduce(schema) { $0?[$1] as? [String: Any] })
        let errors = try Self.errors(ofRules: Array(text.utf8))
        let named = try #require(errors.firstMatch(of: /expected keys of ([a-z_, ]+), found/), "\(errors)").1
        #expect(
            named.split(separator: ", ").map(String.init).sorted()
                == properties.keys.filter { $0 != "$schema" }.sorted())
    }
}
