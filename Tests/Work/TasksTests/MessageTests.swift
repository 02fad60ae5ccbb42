// Hints and control messages as bytes, and the names of queues.

import Digests
import Tasks
import Testing

private let testDigest = SHA256.digest(of: "a job")

/// A hint's bytes with some values changed.
private func body(
    version: String = "1", job: String = "3", shard: String = "17", first: String = "0", count: String = "4",
    specification: String = testDigest.hex, kind: String = "generate"
) -> [UInt8] {
    Array(
        "{\"count\":\(count),\"first\":\(first),\"job\":\(job),\"kind\":\"\(kind)\",\"shard\":\(shard),\"specification\":\"\(specification)\",\"version\":\(version)}"
            .utf8)
}

struct MessageTests {
    private static let hint = Hint(
        kind: .generate, job: 3, shard: 17, first: 32, count: 16, specification: testDigest)

    @Test func aHintSurvivesItsBytes() throws {
        let golden =
            #"{"count":16,"first":32,"job":3,"kind":"generate","shard":17,"specification":""#
            + testDigest.hex + #"","version":1}"#
        #expect(String(decoding: Self.hint.encoded(), as: UTF8.self) == golden)
        #expect(try Hint(decoding: Self.hint.encoded()) == Self.hint)
        #expect(Self.hint.range == 32..<48)
    }

    @Test func aHintsIdentityIsThatOfItsRange() {
        #expect(Self.hint.messageID == "\(testDigest.hex.prefix(12))-generate-17-32-16")
        var other = Self.hint
        other.first = 33
        #expect(other.messageID != Self.hint.messageID)
    }

    @Test func theLargestRangeIsReadAndOneMoreIsNot() throws {
        #expect(try Hint(decoding: body(first: "999999", count: "1")).range.upperBound == 1_000_000)
        #expect(try Hint(decoding: body(first: "0", count: "1000000")).range.count == 1_000_000)
        for (first, count) in [
            ("1000000", "1"), ("1", "1000000"), ("2147483647", "1"), ("9223372036854775807", "9223372036854775807"),
        ] {
            #expect(throws: TaskError.self) { try Hint(decoding: body(first: first, count: count)) }
        }
    }

    @Test(arguments: [
        ("", "not a JSON object"),
        ("hello", "not a JSON object"),
        ("[1,2,3]", "not a JSON object"),
        ("{}", "is missing"),
        ("null", "not a JSON object"),
        (#"{"version":1}"#, "is missing"),
        ("{\"version\":1,\"kind\":7}", "found 22 bytes that do not decode"),
    ])
    func garbageIsRefusedInOneLine(text: String, says: String) throws {
        let error = try #require(throws: TaskError.self) { try Hint(decoding: Array(text.utf8)) }
        #expect(error.code == .unreadable)
        #expect(error.description.contains(says), "\(error)")
        #expect(!error.description.contains("\n"))
    }

    @Test(arguments: [
        body(version: "2"), body(version: "0"), body(first: "-1"), body(count: "0"), body(count: "-5"),
        body(count: "2147483648"), body(count: "9223372036854775807"), body(first: "9223372036854775807"),
        body(first: "1.5"), body(job: "0"), body(shard: "-3"), body(specification: "abc"),
        body(specification: String(repeating: "g", count: 64)), body(count: "\"16\""), body(count: "1e400"),
        body(kind: ""), body(kind: #"a\\b"#), body(kind: #"a\""#), body(kind: "Pack"), body(kind: "pack.high"),
        body(kind: String(repeating: "a", count: 33)),
    ])
    func valuesThatMeanNothingAreRefused(bytes: [UInt8]) throws {
        let error = try #require(throws: TaskError.self) { try Hint(decoding: bytes) }
        #expect(error.code == .unreadable && !error.description.contains("\n"))
    }

    @Test func anotherVersionIsNamed() throws {
        let error = try #require(throws: TaskError.self) { try Hint(decoding: body(version: "2")) }
        #expect(error.description.contains("expected version 1, found 2"))
    }

    @Test(arguments: [UInt8(ascii: "["), 0xFF, 0x00, UInt8(ascii: "9"), UInt8(ascii: "{")])
    func aMegabyteOfGarbageIsRefusedInAShortLine(byte: UInt8) throws {
        let garbage = [UInt8](repeating: byte, count: 1 << 20)
        let error = try #require(throws: TaskError.self) { try Hint(decoding: garbage) }
        #expect(error.description.utf8.count < 300)
        #expect(error.description.contains("1048576 bytes"))
    }

    @Test(arguments: [ControlMessage.Action.pause, .resume, .cancel])
    func aControlMessageSurvivesItsBytes(action: ControlMessage.Action) throws {
        let message = ControlMessage(job: 5, action: action)
        #expect(try ControlMessage(decoding: message.encoded()) == message)
        let text = String(decoding: message.encoded(), as: UTF8.self)
        #expect(text == #"{"action":"\#(action.rawValue)","job":5,"version":1}"#)
        #expect(message.messageID == "\(action.rawValue)-5")
    }

    @Test(arguments: [
        #"{"action":"explode","job":5,"version":1}"#, "", "[]", #"{"action":"pause","job":5,"version":2}"#,
    ])
    func unknownControlIsRefused(text: String) {
        #expect(throws: TaskError.self) { try ControlMessage(decoding: Array(text.utf8)) }
    }

    @Test func queuesAreNamedByVersionKindCapabilityAndLane() {
        #expect(
            WorkQueue(kind: .generate, capability: Capability(generator: "sketch")).name
                == "detdiffusion.v1.generate.sketch")
        #expect(WorkQueue(kind: .pack, capability: .archive, lane: .high).name == "detdiffusion.v1.pack.archive.high")
        let diffusion = Capability(generator: "diffusion", checkpointDigest: testDigest.hex)
        #expect(
            WorkQueue(kind: .generate, capability: diffusion, lane: .high).name
                == "detdiffusion.v1.generate.diffusion.\(testDigest.hex.prefix(12)).high")
        #expect(MessageNames.controlExchange == "detdiffusion.v1.control")
        #expect(MessageNames.deadLetters == "detdiffusion.v1.dead")
        #expect(MessageNames.hintType == "detdiffusion.hint.v1")
        #expect(MessageNames.controlType == "detdiffusion.control.v1")
    }
}

struct JobNameTests {
    @Test(arguments: ["a", "A", "0", "hard-1", "a.b_c-D9", String(repeating: "x", count: 100)])
    func namesOfPlainLettersAreValid(name: String) {
        #expect(JobName.isValid(name))
        #expect(JobName.quoted(name).hasPrefix("'"))
    }

    @Test(arguments: [
        "", ".hidden", "-flag", "_x", "a b", "a/b", "../up", "ä", "名", "a\n", "a\0", String(repeating: "x", count: 101),
        "a%", "a'b",
    ])
    func whatCouldBreakAPathOrALineIsNot(name: String) { #expect(!JobName.isValid(name)) }

    @Test func aRefusedNameIsShownShortAndOnOneLine() {
        #expect(JobName.quoted("a\nb\u{1B}[31m\0") == "'a?b?[31m?'")
        let long = JobName.quoted(String(repeating: "y", count: 5000))
        #expect(long.count < 100 && long.contains("(5000 characters)"))
    }
}
