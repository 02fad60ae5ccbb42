// Files of rules: what they mean, which are the same, and what is refused.

import Foundation
import Testing

@testable import Layouts

@Suite struct MixedRulesTests {
    private static let example = """
        {"rules": [
          {"when": {"frequency_below": 0.002}, "use": "hard"},
          {"when": {"categories": ["person", "dog", "person"]}, "use": "easy"},
          {"when": {"area_at_least": 0.01, "area_below": 0.05}, "share": 0.3, "use": "hard"},
          {"share": 0.5, "use": "easy"}],
         "otherwise": "origin"}
        """

    private static func read(_ text: String) throws -> MixedRules {
        try withFile(text) { try MixedRules(file: $0) }
    }

    @Test func rulesAreReadAsTheyAreWritten() throws {
        let rules = try Self.read(Self.example)
        #expect(rules.otherwise == .origin && rules.mentionsOrigin)
        #expect(rules.rules.map(\.use) == [.hard, .easy, .hard, .easy])
        #expect(rules.rules.map(\.share) == [nil, nil, 0.3, 0.5])
        #expect(rules.rules[0].when?.frequencyBelow == 0.002 && rules.rules[0].when?.areaBelow == nil)
        #expect(rules.rules[1].when?.categories == ["dog", "person"])
        #expect(rules.rules[2].when?.areaAtLeast == 0.01 && rules.rules[2].when?.areaBelow == 0.05)
        #expect(rules.rules[3].when == nil)
        #expect(
            rules.rules.map(\.words) == [
                "frequency below 0.002", "category is dog or person", "area from 0.01 to below 0.05, a share of 0.3",
                "a share of 0.5",
            ])
    }

    /// Literal: other bytes would make every recorded job with rules another job.
    @Test func theCanonicalBytesAreStable() throws {
        let rules = try Self.read(Self.example)
        #expect(
            rules.canonicalJSON
                == #"{"otherwise":"origin","rules":[{"use":"hard","when":{"frequency_below":0.002}},"#
                + #"{"use":"easy","when":{"categories":["dog","person"]}},"#
                + #"{"share":0.3,"use":"hard","when":{"area_at_least":0.01,"area_below":0.05}},{"share":0.5,"use":"easy"}]}"#
        )
        #expect(try Self.read(rules.canonicalJSON) == rules)
        #expect(try JSONDecoder().decode(MixedRules.self, from: Data(rules.canonicalJSON.utf8)) == rules)
    }

    @Test(arguments: [
        #"{"otherwise":"hard","rules":[{"use":"easy","when":{"categories":["cat","dog"]},"share":1}]}"#,
        #"{ "$schema": "rules.schema.json", "rules" : [ {"when":{"categories":["dog","cat"]}, "use":"easy"} ],"otherwise":"hard"}"#,
        "\u{FEFF}{\"rules\":[{\"when\":{\"categories\":[\"d\\u006fg\",\"cat\",\"dog\"]},\"share\":1.0,\"use\":\"easy\"}],\"otherwise\":\"hard\"}",
    ])
    func theSameRulesHaveTheSameDigestHoweverTheyAreWritten(text: String) throws {
        let plain = #"{"rules":[{"when":{"categories":["cat","dog"]},"use":"easy"}],"otherwise":"hard"}"#
        #expect(try Self.read(text).digest == Self.read(plain).digest)
        #expect(try Self.read(plain.replacing("dog", with: "cow")).digest != Self.read(plain).digest)
    }

    private static func rule(_ text: String) -> String { #"{"rules":[\#(text)],"otherwise":"hard"}"# }

    @Test(arguments: [
        ("{", "byte 1: expected"), ("[]", "the file: expected a JSON object, found '[]'"),
        ("{}", "rules: expected a list of 1 to 1000 rules, found none"),
        (#"{"rules":[],"otherwise":"hard"}"#, "found '[]'"),
        (
            rule(#"{"share":0.5,"use":"easy"}"#).replacing(#","otherwise":"hard""#, with: ""),
            "otherwise: expected one of"
        ),
        (rule(#"{"use":"easy"}"#), #"rule 1: expected "when" or "share", found neither; what all other objects get"#),
        (rule(#"{"use":"easy","share":1}"#), #"rule 1: expected "when" or "share""#),
        (rule(#"{"when":{},"use":"easy"}"#), "rule 1, when: expected a condition, found '{}'"),
        (
            rule(#"{"when":{"area_bellow":0.1},"use":"easy"}"#),
            "rule 1, when: expected keys of categories, frequency_below"
        ),
        (rule(#"{"wen":{"area_below":0.1},"use":"easy"}"#), "rule 1: expected keys of when, share, use, found 'wen'"),
        (rule(#"{"when":{"area_below":0.1},"use":"easy"}"#).replacing("rules", with: "rule"), "found 'rule'"),
        (rule(#"{"when":{"area_below":0.1}}"#), #"rule 1, use: expected one of "hard", "easy", "origin", found none"#),
        (rule(#"{"when":{"area_below":0.1},"use":"mixed"}"#), "found '\"mixed\"'"),
        (
            rule(#"{"when":{"area_below":0.1},"use":"easy","share":0}"#),
            "rule 1, share: expected a share above 0 and up to 1"
        ),
        (rule(#"{"when":{"area_below":0.1},"use":"easy","share":1.01}"#), "found '1.01'"),
        (rule(#"{"when":{"area_below":0.1},"use":"easy","share":"half"}"#), "found '\"half\"'"),
        (rule(#"{"when":{"frequency_below":2},"use":"easy"}"#), "rule 1, when.frequency_below: expected a share"),
        (rule(#"{"when":{"area_below":1e999},"use":"easy"}"#), "rule 1, when.area_below: expected a share"),
        (
            rule(#"{"when":{"categories":[]},"use":"easy"}"#),
            "rule 1, when.categories: expected a list of category names"
        ),
        (rule(#"{"when":{"categories":["a",1]},"use":"easy"}"#), "found '[\"a\", 1]'"),
        (rule(#"{"when":{"categories":"dog"},"use":"easy"}"#), "found '\"dog\"'"),
        (rule(#"{"when":{"area_below":0.1,"area_below":0.2},"use":"easy"}"#), "expected each key once"),
        (
            rule(#"{"when":{"area_below":0.1,"area_at_least":0.1},"use":"easy"}"#),
            "rule 1, when: expected area_at_least less than area_below"
        ),
        (
            rule(#"{"when":{"area_below":0.1},"use":"easy"},{"when":{"area_below":0.1},"use":"hard"}"#),
            "rule 2: expected objects that no earlier rule decides, found those of rule 1, which makes them easy, not hard"
        ),
    ])
    func aFaultIsOneLineWithItsPlace(text: String, says: String) throws {
        let error = try #require(throws: LayoutError.self) { try Self.read(text) }
        #expect(error.code == .content && error.description.contains(says), "\(error)")
        #expect(error.description.hasPrefix("cannot use the rules of ") && !error.description.contains("\n"))
    }

    @Test func aMissingFileIsNamed() throws {
        let error = try #require(throws: LayoutError.self) { try MixedRules(file: "/does/not/exist") }
        #expect(error.code == .file && error.description.contains("cannot read rules from /does/not/exist"), "\(error)")
    }
}
