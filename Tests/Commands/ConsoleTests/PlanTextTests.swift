// What `plan` shows of rules and of evening out, as text on a terminal of 80 columns and as JSON.

import Fixtures
import Foundation
import Testing

struct PlanTextTests {
    private let folder = FileManager.default.temporaryDirectory.path + "/plan-" + UUID().uuidString

    /// Plans the example set with rules, of which the second decides nothing.
    private func plan(_ more: [String]) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let rules =
            #"{"rules":[{"when":{"categories":["person","bicycle","car","motorcycle"],"area_at_least":0.05},"use":"hard"},"#
            + #"{"when":{"frequency_at_least":0.9},"use":"easy"}],"otherwise":"easy"}"#
        try Data(rules.utf8).write(to: URL(fileURLWithPath: folder + "/rules.json"))
        let commands = Commands()
        try commands.succeed("producer", ["example", "--images", "60", "--out", folder + "/set.json"])
        return try commands.succeed(
            "producer",
            [
                "plan", "--annotations", folder + "/set.json", "--subset", "all", "--strategy", "mixed", "--rules",
                folder + "/rules.json", "--rebalance", "size",
            ] + more)
    }

    @Test func theTablesFitIntoEightyColumns() throws {
        let lines = try plan([]).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let rules = try #require(lines.firstIndex { $0.hasPrefix("rule  when") })
        let evening = try #require(lines.firstIndex(of: "rebalance size toward uniform"))
        #expect(lines[rules + 1].hasPrefix("   1  category is bicycle or car or motorcy…  hard  "))
        #expect(lines[rules + 3].hasPrefix("   -  otherwise "))
        #expect(lines[evening + 1].hasPrefix("images    ") && lines[evening + 2].hasPrefix("distance  "))
        #expect(lines[evening + 4].hasPrefix("bin     real  generated  real %  merged %  target %"))
        #expect(lines[(evening + 5)...].prefix(3).map { $0.prefix(6) } == ["small ", "medium", "large "])
        for line in lines[rules...(evening + 7)] { #expect(line.count <= 80, "\(line)") }
        #expect(
            lines.contains {
                $0 == "beware    rule 2 (frequency at least 0.9) decided nothing: no category is like that"
            })
    }

    @Test func theJSONHasTheSame() throws {
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(try plan(["--json"]).utf8)) as? [String: Any])
        let rules = (report["statistics"] as? [String: Any])?["rules"] as? [[String: Any]]
        #expect(rules?.map { $0["use"] as? String } == ["hard", "easy", "easy"])
        #expect(rules?.map { $0["rule"] as? Int } == [1, 2, nil])
        #expect((rules?[1]["objects"] as? Int) == 0)
        let rebalance = try #require(report["rebalance"] as? [String: Any])
        let bins = try #require(rebalance["bins"] as? [[String: Any]])
        #expect(bins.map { $0["name"] as? String } == ["small", "medium", "large"])
        #expect(bins.allSatisfy { $0["realShare"] is Double && $0["mergedShare"] is Double && $0["target"] is Double })
        let distances = [rebalance["distanceBefore"], rebalance["distanceAfter"]].map { $0 as? Double ?? -1 }
        #expect(distances[0] > distances[1] && distances[1] >= 0)
    }
}
