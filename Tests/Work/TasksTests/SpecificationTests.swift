// A job's identity: stable bytes, and every option that changes the output changes them.

import Digests
import Layouts
import Tasks
import Testing

struct SpecificationTests {
    private static let annotations = SHA256.digest(of: "annotations")

    private static var drawn: GenerateSpecification {
        GenerateSpecification(
            annotations: annotations, subset: .trainability, strategy: .hard, template: .compact,
            bins: Bins(columns: 256, rows: 256), width: 800, height: 456, samples: 1, seed: 0, generator: "sketch",
            shardSize: 500)
    }

    private static var full: GenerateSpecification {
        var full = drawn
        full.strategy = .origin
        full.stuff = SHA256.digest(of: "stuff")
        full.imageIDs = SHA256.digest(of: "ids")
        full.detections = SHA256.digest(of: "detections")
        full.detectedImages = SHA256.digest(of: "detected")
        full.gamma = 0.3
        full.beta = 0.5
        full.sameClass = false
        full.uncovered = .fail
        full.seed = 9_007_199_254_740_991
        full.checkpoint = SHA256.digest(of: "weights")
        full.steps = 50
        full.guidance = 3.5
        return full
    }

    private static let rules = MixedRules(rules: [MixedRules.Rule(share: 0.25, use: .hard)], otherwise: .easy)

    private static var mixed: GenerateSpecification {
        var mixed = drawn
        mixed.strategy = .mixed
        mixed.rules = rules
        return mixed
    }

    /// Literal: a change of these bytes would make every recorded job another job.
    private static let golden =
        #"{"annotations":"295df243c6a33994c30b6e16aea7ce6155a24b44514ec956d7a09ae0a4cb0411","bins":{"columns":256,"rows":256},"generator":"sketch","height":456,"kind":"generate","samples":1,"seed":0,"shardSize":500,"strategy":"hard","subset":"trainability","template":"compact","version":2,"width":800}"#

    @Test func theCanonicalBytesOfADrawingJobAreStable() throws {
        #expect(try Self.drawn.canonicalJSON() == Self.golden)
    }

    @Test func theCanonicalBytesOfAFullJobAreStable() throws {
        let hash = { (text: String) in SHA256.digest(of: text).hex }
        let expected =
            #"{"annotations":"\#(hash("annotations"))","beta":0.5,"bins":{"columns":256,"rows":256},"#
            + #""checkpoint":"\#(hash("weights"))","detectedImages":"\#(hash("detected"))","#
            + #""detections":"\#(hash("detections"))","gamma":0.3,"generator":"sketch","guidance":3.5,"height":456,"#
            + #""imageIDs":"\#(hash("ids"))","kind":"generate","sameClass":false,"samples":1,"seed":9007199254740991,"#
            + #""shardSize":500,"steps":50,"strategy":"origin","stuff":"\#(hash("stuff"))","subset":"trainability","#
            + #""template":"compact","uncovered":"fail","version":2,"width":800}"#
        #expect(try Self.full.canonicalJSON() == expected)
    }

    @Test func aSpecificationSurvivesItsJSON() throws {
        for specification in [Self.drawn, Self.full, Self.mixed] {
            #expect(try GenerateSpecification(json: try specification.canonicalJSON()) == specification)
        }
        let error = try #require(throws: TaskError.self) { try GenerateSpecification(json: "{}") }
        #expect(error.code == .unreadable)
    }

    /// A row's numbers are computed with: none of these may reach a generator.
    @Test(arguments: [
        ("\"width\":800", "\"width\":0"), ("\"width\":800", "\"width\":-8"),
        ("\"width\":800", "\"width\":4611686018427387904"),
        ("\"width\":800", "\"width\":804"), ("\"height\":456", "\"height\":4104"), ("\"samples\":1", "\"samples\":0"),
        ("\"samples\":1", "\"samples\":1001"), ("\"shardSize\":500", "\"shardSize\":0"),
        ("\"shardSize\":500", "\"shardSize\":1000001"), ("\"seed\":9007199254740991", "\"seed\":9007199254740992"),
        ("\"steps\":50", "\"steps\":0"), ("\"steps\":50", "\"steps\":10001"), ("\"guidance\":3.5", "\"guidance\":-1"),
        ("\"guidance\":3.5", "\"guidance\":1e300"), ("\"gamma\":0.3", "\"gamma\":1.5"),
        ("\"beta\":0.5", "\"beta\":-0.1"),
        ("\"columns\":256", "\"columns\":0"), ("\"rows\":256", "\"rows\":4097"), ("\"version\":2", "\"version\":3"),
        ("\"kind\":\"generate\"", "\"kind\":\"pack\""), ("\"generator\":\"sketch\"", "\"generator\":\"../x\""),
    ])
    func aSpecificationThatNoProducerRecordsIsUnreadable(from: String, to: String) throws {
        let good = try Self.full.canonicalJSON()
        let bad = good.replacing(from, with: to)
        #expect(bad != good)
        let error = try #require(throws: TaskError.self) { try GenerateSpecification(json: bad) }
        #expect(error.code == .unreadable && !error.description.contains("\n"), "\(error)")
    }

    @Test func rulesStandInTheCanonicalBytesOfAMixedJob() throws {
        let expected = Self.golden.replacing(#""samples""#, with: #""rules":\#(Self.rules.canonicalJSON),"samples""#)
            .replacing(#""strategy":"hard""#, with: #""strategy":"mixed""#)
        #expect(try Self.mixed.canonicalJSON() == expected)
    }

    @Test func whatEvensOutASetStandsInTheCanonicalBytes() throws {
        var specification = Self.drawn
        specification.rebalance = Rebalance(by: .frequency, target: .shares(["hair drier": 0.01, "cat": 0.5]))
        let expected = Self.golden.replacing(
            #""samples""#,
            with: #""rebalance":{"by":"frequency","maximumRepeats":10,"target":{"form":"shares","shares":{"cat":0.5,"#
                + #""hair drier":0.01}}},"samples""#)
        #expect(try specification.canonicalJSON() == expected)
        let json = expected.replacing(#""maximumRepeats":10"#, with: #""maximumRepeats":0"#)
        let error = try #require(throws: TaskError.self) { try GenerateSpecification(json: json) }
        #expect(error.code == .unreadable && error.description.contains("rebalance.maximumRepeats"), "\(error)")
    }

    @Test func rulesWithoutStrategyMixedAndTheReverseAreUnreadable() throws {
        var (without, beside) = (Self.mixed, Self.drawn)
        without.rules = nil
        beside.rules = Self.rules
        for specification in [without, beside] {
            let json = try specification.canonicalJSON()
            let error = try #require(throws: TaskError.self) { try GenerateSpecification(json: json) }
            #expect(error.code == .unreadable && error.description.contains("rules: expected"), "\(error)")
        }
    }

    @Test func aJobOfBeforeTheBoundOfShardsIsRead() throws {
        var old = Self.drawn
        old.version = 1
        old.shardSize = 1_000_000
        #expect(try GenerateSpecification(json: try old.canonicalJSON()) == old)
    }

    @Test func everyFieldChangesTheIdentity() throws {
        let changes: [(String, (inout GenerateSpecification) -> Void)] = [
            ("annotations", { $0.annotations = SHA256.digest(of: "x") }), ("stuff", { $0.stuff = nil }),
            ("imageIDs", { $0.imageIDs = nil }), ("subset", { $0.subset = .all }),
            ("strategy", { $0.strategy = .easy }),
            ("rules", { $0.rules = Self.rules }),
            ("detections", { $0.detections = nil }), ("detectedImages", { $0.detectedImages = nil }),
            ("gamma", { $0.gamma = 0.31 }), ("beta", { $0.beta = 0.51 }), ("sameClass", { $0.sameClass = true }),
            ("uncovered", { $0.uncovered = .skip }), ("template", { $0.template = .paper }),
            ("bins", { $0.bins = Bins(columns: 256, rows: 255) }), ("width", { $0.width = 808 }),
            ("height", { $0.height = 464 }), ("samples", { $0.samples = 2 }), ("seed", { $0.seed -= 1 }),
            ("generator", { $0.generator = "diffusion" }), ("checkpoint", { $0.checkpoint = nil }),
            ("steps", { $0.steps = 49 }), ("guidance", { $0.guidance = 3.6 }), ("shardSize", { $0.shardSize = 501 }),
            ("skipsUnfit", { $0.skipsUnfit = true }),
            (
                "gate",
                {
                    $0.gate = GateSpecification(
                        detector: "fcos", detectorDigest: SHA256.digest(of: "x"), classes: [1, nil],
                        rules: QualityGate())
                }
            ),
            ("rebalance", { $0.rebalance = Rebalance(by: .size) }), ("version", { $0.version = 3 }),
            ("kind", { $0.kind = TaskKind(rawValue: "detect") }),
        ]
        let recorded = try Self.full.canonicalJSON()
        var digests: Set<SHA256Digest> = [SHA256.digest(of: recorded)]
        for (field, change) in changes {
            var other = Self.full
            change(&other)
            let given = try other.canonicalJSON()
            #expect(digests.insert(SHA256.digest(of: given)).inserted, "\(field)")
            let differences = try SpecificationComparison.differences(recorded: recorded, given: given)
            #expect(differences.count == 1 && differences[0].hasPrefix("\(field): "), "\(field): \(differences)")
        }
        #expect(changes.count == Mirror(reflecting: Self.full).children.count, "a field without a test")
    }

    @Test func differencesAreNamedWithBothValuesAsTheUserWroteThem() throws {
        var other = Self.full
        other.gamma = 0.7
        other.seed = 1
        other.checkpoint = nil
        let differences = try SpecificationComparison.differences(
            recorded: try Self.full.canonicalJSON(), given: try other.canonicalJSON())
        #expect(
            differences == [
                "checkpoint: \"\(SHA256.digest(of: "weights").hex)\" -> none", "gamma: 0.3 -> 0.7",
                "seed: 9007199254740991 -> 1",
            ])
        #expect(try SpecificationComparison.differences(recorded: Self.golden, given: Self.golden).isEmpty)
    }

    @Test(arguments: ["[1]", "", "{", "7"])
    func whatIsNoSpecificationCannotBeCompared(text: String) throws {
        let error = try #require(throws: TaskError.self) {
            try SpecificationComparison.differences(recorded: Self.golden, given: text)
        }
        #expect(!error.description.contains("\n"))
    }

    @Test func aNumberThatJSONCannotHoldIsAnError() {
        var other = Self.full
        other.guidance = .infinity
        #expect(throws: TaskError.self) { try other.canonicalJSON() }
    }

    @Test func theCapabilityIsTheGeneratorAndItsCheckpoint() {
        #expect(Self.drawn.capability.rawValue == "sketch")
        #expect(Self.full.capability.rawValue == "sketch.\(SHA256.digest(of: "weights").hex.prefix(12))")
    }
}
