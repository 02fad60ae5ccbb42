// Weights by name, and what is said when they do not fit.

import Processors
import Tensors
import Testing

@testable import Networks

@Suite struct WeightScopeTests {
    private let device = CPUDevice(threads: 1)

    @Test func namesGrowWithTheNetwork() throws {
        let scope = try MadeWeights([("down_blocks.0.resnets.1.weight", [1], [5])]).scope(device)
        let place = scope / "down_blocks" / 0 / "resnets" / 1
        #expect(scope.path.isEmpty && place.path == "down_blocks.0.resnets.1")
        #expect(try place.parameter("weight", shape: [1]).tensor.floats() == [5])
        try scope.finish()
    }

    @Test func aRuleGivesTheNameThatTheFileHas() throws {
        let naming = WeightNaming(
            rules: [.init("text_model.", storedAs: ""), .init(".to_q.", storedAs: ".query.")], ignored: ["position_ids"]
        )
        let weights = try MadeWeights([
            ("a.query.weight", [1], [1]), ("b.weight", [1], [2]), ("text_model.c.weight", [1], [3]),
            ("a.position_ids", [2], [0, 1]), ("position_ids", [1], [0]),
        ])
        let scope = try weights.scope(device, naming: naming)
        #expect(try (scope / "a" / "to_q").parameter("weight", shape: [1]).tensor.floats() == [1])
        #expect(try (scope / "text_model" / "b").parameter("weight", shape: [1]).tensor.floats() == [2])
        #expect(try (scope / "text_model" / "c").parameter("weight", shape: [1]).tensor.floats() == [3])
        try scope.finish()
    }

    @Test func theNameItselfComesBeforeARule() throws {
        let naming = WeightNaming(rules: [.init("new", storedAs: "old")])
        let scope = try MadeWeights([("new", [1], [1]), ("old", [1], [2])]).scope(device, naming: naming)
        #expect(try scope.parameter("new", shape: [1]).tensor.floats() == [1])
        let error = try #require(throws: NetworkError.self) { try scope.finish() }
        #expect(error.unexpected == ["old"])
    }

    @Test func allThatDoesNotFitIsInOneError() throws {
        let scope = try MadeWeights([("a", [2], [1, 2]), ("b", [1, 2], [1, 2]), ("z", [1], [0]), ("y", [1], [0])])
            .scope(device)
        _ = scope.parameter("a", shape: [3])
        _ = scope.parameter("b", shape: [2, 1], orStoredAs: [2])
        _ = (scope / "deep").parameter("c", shape: [1])
        let error = try #require(throws: NetworkError.self) { try scope.finish() }
        #expect(error.missing == ["deep.c"])
        #expect(error.unexpected == ["y", "z"])
        #expect(
            error.misfits == [
                .init(name: "a", expected: [3], found: "[2]"), .init(name: "b", expected: [2, 1], found: "[1, 2]"),
            ])
        #expect(
            error.lines == [
                "made: missing deep.c", "made: unexpected y", "made: unexpected z",
                "made: mis-shaped a: expected [3], found [2]", "made: mis-shaped b: expected [2, 1], found [1, 2]",
            ])
        #expect(
            error.description
                == "cannot load weights, tensors of made: 1 missing, 2 unexpected, 2 mis-shaped; its config.json must be "
                + "the one that they were saved with; made: missing deep.c; made: unexpected y; made: unexpected z; and 2 "
                + "more")
    }

    @Test func aLongListShowsItsFirstNamesAndTheCount() throws {
        let scope = try MadeWeights([("a", [1], [1])]).scope(device)
        for index in 0..<100 { _ = (scope / index).parameter("weight", shape: [1]) }
        _ = scope.parameter("a", shape: [1])
        let error = try #require(throws: NetworkError.self) { try scope.finish() }
        #expect(error.missing.count == 100)
        #expect(error.lines.count == 100 && error.counts == "made: 100 missing")
        #expect(error.description.contains("missing 2.weight; and 97 more"))
    }

    @Test func headersAreHeldAgainstANetworkWithoutReadingAWeight() throws {
        let weights = try MadeWeights([("a", [2], [1, 2]), ("b", [3], [1, 2, 3])])
        let scope = try weights.scope(nil)
        #expect(scope.parameter("a", shape: [2]).tensor.count == 0)
        _ = scope.parameter("b", shape: [2])
        let error = try #require(throws: NetworkError.self) { try scope.finish() }
        #expect(error.lines == ["made: mis-shaped b: expected [2], found [3]"])
    }
}
