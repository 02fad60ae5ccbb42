// The pure parts: lines, their bounds, and what is refused in them.

import Digests
import Executors
import Layouts
import Logging
import Tasks
import Testing

@testable import Handlers

struct LineSplitterTests {
    private func lines(_ pieces: [String], limit: Int = 10) -> [String] {
        var splitter = LineSplitter(limit: limit)
        var lines: [String] = []
        for piece in pieces {
            splitter.append(Array(piece.utf8))
            while let line = splitter.popLine() {
                lines.append(String(decoding: line.bytes, as: UTF8.self) + (line.isCut ? "|cut" : ""))
            }
        }
        if let rest = splitter.popRest() { lines.append(String(decoding: rest.bytes, as: UTF8.self) + "|rest") }
        return lines
    }

    @Test func linesAreTheSameHoweverTheyArrive() {
        let text = "one\n\ntwo\nthree"
        #expect(lines([text]) == ["one", "", "two", "three|rest"])
        #expect(lines(text.map(String.init)) == ["one", "", "two", "three|rest"])
        #expect(lines(["one\n"]) == ["one"])
    }

    @Test func aLineOfExactlyTheLimitIsWhole() {
        #expect(lines(["0123456789\nx\n"]) == ["0123456789", "x"])
    }

    @Test func aLongerLineComesOutOnceAndItsRestIsDropped() {
        #expect(lines(["0123456789a\nx\n"]) == ["0123456789|cut", "x"])
        #expect(lines(["01234", "56789", "abcdef", "ghi\nx"]) == ["0123456789|cut", "x|rest"])
        #expect(lines(["0123456789abc"]) == ["0123456789|cut"])
    }
}

struct LogThrottleTests {
    @Test func aBurstPassesAndThenOnlyTheRate() {
        let start = ContinuousClock.now
        var throttle = LogThrottle(burst: 3, perSecond: 2, now: start)
        #expect((0..<5).map { _ in throttle.admit(at: start) } == [0, 0, 0, nil, nil])
        #expect(throttle.admit(at: start + .milliseconds(499)) == nil)
        #expect(throttle.admit(at: start + .milliseconds(500)) == 3)
        #expect(throttle.admit(at: start + .milliseconds(501)) == nil)
        let later = start + .seconds(100)
        #expect((0..<4).map { _ in throttle.admit(at: later) } == [1, 0, 0, nil])
    }

    @Test func aProgressBarShowsItsLastState() {
        let line = LineSplitter.Line(bytes: Array("10%\r50%\r\u{1b}[31m100%\r".utf8))
        #expect(ProgramLog.text(of: line) == " [31m100%")
        #expect(ProgramLog.text(of: LineSplitter.Line(bytes: [255, 65], isCut: true)) == "\u{fffd}A…")
    }
}

struct RestartPaceTests {
    @Test func waitsDoubleToAMinuteAndBeginAgainAfterASuccess() {
        var pace = RestartPace(ProgramGenerator.usualBackoff)
        #expect(pace.longestWait == .zero)
        var waits: [Duration] = []
        for _ in 0..<9 {
            pace.failed()
            waits.append(pace.longestWait)
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
        pace.succeeded()
        #expect(pace.longestWait == .zero && pace.wait(draw: 1) == .zero)
        pace.failed()
        #expect(pace.longestWait == .seconds(1))
    }

    @Test func theWaitIsDrawnEvenlyBelowItsBound() {
        var pace = RestartPace(Backoff(base: .seconds(2), cap: .seconds(60)))
        pace.failed()
        #expect([0, 0.25, 1].map { pace.wait(draw: $0) } == [.zero, .milliseconds(500), .seconds(2)])
    }

    @Test func theManualSaysTheSame() throws {
        let usual = ProgramGenerator.usualBackoff
        #expect(usual == Backoff(base: .seconds(1), cap: .seconds(60)))
        #expect(try Manual.text().contains("(1 s, doubled up to 60 s, full jitter)"))
    }
}

struct ReplyTests {
    private static let digest = String(repeating: "0a", count: 32)

    private func facts(_ line: String) throws -> ProgramFacts {
        guard case .ready(let ready) = try ProgramReply(decoding: Array(line.utf8)) else {
            throw LineRefusal("no ready line")
        }
        return try ProgramFacts(decoding: ready)
    }

    @Test func aReadyLineSaysWhatTheProgramServes() throws {
        let plain = try facts(
            #"{"type":"ready","version":1,"name":"gligen","device":"cuda","sizes":["512x512","800x456"],"batch":4}"#)
        #expect(plain.capability.rawValue == "gligen" && plain.batch == 4)
        #expect(plain.sizes.contains(width: 800, height: 456) && !plain.sizes.contains(width: 456, height: 800))
        let tied = try facts(
            #"{"type":"ready","version":1,"name":"a","checkpoint":"\#(Self.digest)","device":"d","sizes":"any","batch":1,"x":1}"#
        )
        #expect(tied.capability.rawValue == "a.0a0a0a0a0a0a" && tied.sizes == .any)
    }

    @Test(arguments: [
        (
            #""version":2,"name":"a","device":"d","sizes":"any","batch":1"#,
            "expected version 1 of the protocol, found 2"
        ),
        (#""name":"a","device":"d","sizes":"any","batch":1"#, "key 'version': expected a value, found none"),
        (#""version":"1","name":"a","device":"d","sizes":"any","batch":1"#, "key 'version': expected Int"),
        (#""version":1,"name":"A b","device":"d","sizes":"any","batch":1"#, "found 'A b'"),
        (#""version":1,"name":"sketch","device":"d","sizes":"any","batch":1"#, "not a built-in generator's"),
        (#""version":1,"name":"blank","device":"d","sizes":"any","batch":1"#, "found 'blank'"),
        (#""version":1,"name":"diffusion","device":"d","sizes":"any","batch":1"#, "found 'diffusion'"),
        (#""version":1,"name":"-a","device":"d","sizes":"any","batch":1"#, "found '-a'"),
        (#""version":1,"name":"a","device":"","sizes":"any","batch":1"#, "expected a device class"),
        (#""version":1,"name":"a","device":"a\u0000","sizes":"any","batch":1"#, "expected a device class"),
        (
            #""version":1,"name":"a","device":"d","sizes":"all","batch":1"#,
            #"expected sizes "any" or a list, found 'all'"#
        ),
        (#""version":1,"name":"a","device":"d","sizes":[],"batch":1"#, "found an empty list"),
        (#""version":1,"name":"a","device":"d","sizes":["513x512"],"batch":1"#, "found '513x512'"),
        (#""version":1,"name":"a","device":"d","sizes":["8x8x8"],"batch":1"#, "found '8x8x8'"),
        (
            #""version":1,"name":"a","device":"d","sizes":"any","batch":0"#,
            "expected a batch limit from 1 to 10000, found 0"
        ),
        (#""version":1,"name":"a","device":"d","sizes":"any","batch":1,"checkpoint":"0A""#, "64 lower-case"),
    ])
    func aReadyLineThatIsWrongIsRefusedByName(line: String, reason: String) throws {
        let refusal = try #require(throws: LineRefusal.self) { try facts("{\"type\":\"ready\",\(line)}") }
        #expect(refusal.description.contains(reason), "\(refusal)")
        #expect(!refusal.description.contains("\n"))
    }

    @Test(arguments: [
        ("Loading model", "found 'Loading model'"), ("", "found ''"), ("[1]", "found '[1]'"), ("{}", "found '{}'"),
        (#"{"type":"progress"}"#, "found type 'progress'"),
        (#"{"type":"result","id":1}"#, "key 'results': expected a value, found none"),
        (#"{"type":"result","id":1,"results":[{"id":"0"}]}"#, "key 'results.0.id': expected Int"),
        (#"{"type":"result","id":1e99,"results":[]}"#, "result line"),
        ("\u{1b}[2J\u{7}" + String(repeating: "x", count: 500), "xx…'"),
    ])
    func aLineThatIsNoReplyIsRefused(line: String, reason: String) throws {
        let refusal = try #require(throws: LineRefusal.self) { try ProgramReply(decoding: Array(line.utf8)) }
        #expect(refusal.description.contains(reason), "\(refusal)")
        #expect(!refusal.description.unicodeScalars.contains { $0.value < 32 })
    }

    @Test func aDeepLineIsRefusedAndDoesNotOverflowTheStack() throws {
        let line = [UInt8](repeating: UInt8(ascii: "["), count: 1 << 20)
        #expect(throws: LineRefusal.self) { try ProgramReply(decoding: line) }
    }
}

struct BatchLineTests {
    @Test func boxesAreInTheFrameOfTheImageToBeMade() throws {
        let batch = BatchLine(id: 7, folder: "/tmp/f", tasks: Made.tasks(2), specification: Made.specification())
        let task = batch.tasks[1]
        #expect(task.id == 1 && task.seed == 1001 && task.imageID == 101)
        #expect(task.objects[0].bbox == [2, 4, 20, 40])
        let corners: [Double] = [2.0 / 64, 4.0 / 48, 22.0 / 64, 44.0 / 48]
        #expect(task.objects[0].corners == corners)
        #expect(task.objects[1].corners[2...] == [1, 1])
        let line = try batch.encoded()
        #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1 && line.last == UInt8(ascii: "\n"))
    }

    @Test func credentialsAreWithheld() {
        let worker = ["AMQP_URL": "a", "DATABASE_URL": "b", "PGPASSWORD": "c", "HOME": "/h", "PATH": "/bin"]
        #expect(ProgramCommand.environment(from: worker, mark: "MARK=1") == ["HOME=/h", "MARK=1", "PATH=/bin"])
    }
}
