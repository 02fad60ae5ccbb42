// Tables and numbers as people read them.

import Console
import ErrorLines
import Foundation
import Logging
import Synchronization
import Testing

struct TableTests {
    @Test func numbersStandRightAndWordsLeft() {
        var table = Table("job", "tasks", "state")
        table.append("a", "1,234", "running")
        table.append("longer", "7", "done")
        #expect(
            table.text == """
                job     tasks  state
                a       1,234  running
                longer      7  done
                """)
    }

    @Test func anEmptyTableIsItsHeader() { #expect(Table("job", "tasks").text == "job  tasks") }

    @Test func aTableInPartsGoesOnBelowItself() {
        var table = Table("job", "tasks")
        table.append("longer", "1,234")
        #expect(table.takeText() == "job     tasks\nlonger  1,234")
        table.append("a", "7")
        #expect(table.takeText() == "a           7")
        #expect(table.isBegun)
    }

    @Test func noLineEndsInSpaces() {
        var table = Table("name", "bar")
        table.append("cat", "###")
        table.append("dog", "")
        #expect(table.text.split(separator: "\n").allSatisfy { $0.last != " " })
    }

    @Test func aColumnWithOneWordIsNoNumberColumn() {
        var table = Table("size", "x")
        table.append("12", "a")
        table.append("none", "b")
        #expect(table.text == "size  x\n12    a\nnone  b")
    }
}

struct PrintableTests {
    /// Escape, a control sequence in one character (C1), an override of the direction, carriage return, bell, DEL, NEL.
    static let hostile = "a\u{1B}[2Jb\u{9B}31mc\u{202E}d\re\u{7}f\u{7F}g\u{85}h\u{2066}i\u{200F}j"

    static func isClean(_ text: String) -> Bool {
        !text.unicodeScalars.contains { scalar in
            switch scalar.value {
            case 0x0A: false
            case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
            default: false
            }
        }
    }

    @Test func cellsAreOneLineThatNoTerminalObeys() {
        var table = Table("name", "state")
        table.append(Self.hostile, "one\ntwo")
        #expect(Self.isClean(table.text))
        #expect(table.text.split(separator: "\n").count == 2)
        #expect(table.text.contains("one two") && table.text.contains("a?[2Jb?31mc?d e?f?g h?i?j"))
    }

    @Test func linesKeepTheirLineFeedsAlone() {
        #expect(PrintableText.lines("a\nb\r\nc\u{1B}") == "a\nb?\nc?")
        #expect(PrintableText.lines("grün 日本 👩‍👩‍👧\n") == "grün 日本 👩‍👩‍👧\n")
        #expect(Self.isClean(PrintableText.lines(Self.hostile)))
    }

    @Test func jsonEscapesWhatATerminalObeysAndKeepsItForPrograms() throws {
        let encoder = JSONEncoder()
        let document = PrintableText.json(String(decoding: try encoder.encode([Self.hostile, "ü"]), as: UTF8.self))
        #expect(Self.isClean(document) && document.contains("\\u009b") && document.contains("ü"))
        #expect(try JSONDecoder().decode([String].self, from: Data(document.utf8)) == [Self.hostile, "ü"])
    }

    @Test func logLinesAreCleanWhereverTheirValuesAreFrom() {
        let events = Mutex<[LogEvent]>([])
        struct Recorder: LogHandler {
            let add: @Sendable (LogEvent) -> Void
            var logLevel = Logger.Level.trace
            var metadata: Logger.Metadata = [:]
            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }
            func log(event: LogEvent) {
                var event = event
                event.metadata = metadata.merging(event.metadata ?? [:]) { $1 }
                add(event)
            }
        }
        var logger = Logger(label: "x") { _ in
            PrintableLogHandler(Recorder(add: { event in events.withLock { $0.append(event) } }))
        }
        logger[metadataKey: "worker.id"] = "\(Self.hostile)"
        logger.warning(
            "\(Self.hostile)",
            metadata: [
                "message.id": "\(Self.hostile)",
                "list": ["\(Self.hostile)", ["deep": .stringConvertible(Self.hostile)]],
                Self.hostile: "x",
            ])
        let event = events.withLock { $0 }.first
        #expect(
            event.map { Self.isClean("\($0.message) \($0.metadata ?? [:])") } == true, "\(String(describing: event))")
        #expect(event?.metadata?["worker.id"] != nil && event?.metadata?.count == 4)
    }
}

struct FormatTests {
    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (47_429, "47,429"), (1_000_000, "1,000,000"), (-1234, "-1,234"),
        (-12, "-12"),
        (Int.max, "9,223,372,036,854,775,807"), (Int.min, "-9,223,372,036,854,775,808"),
    ])
    func countsAreGrouped(value: Int, text: String) { #expect(Format.count(value) == text) }

    @Test(arguments: [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_449_000, "1.4 MB"), (9_949_999, "9.9 MB"),
        (10_000_000, "10 MB"),
        (999_499, "999 kB"), (999_500, "1.0 MB"), (1_400_000_000, "1.4 GB"), (Int.max, "9223 PB"),
    ])
    func bytesAreDecimal(value: Int, text: String) { #expect(Format.bytes(value) == text) }

    @Test(
        arguments: [
            (0, "0 s"), (41.4, "41 s"), (59.6, "1 min 0 s"), (192, "3 min 12 s"), (3599.6, "1 h 0 min"),
            (11_520, "3 h 12 min"),
            (90_000, "1 d 1 h"), (31_536_000, "365 d 0 h"),
        ] as [(Double, String)])
    func durationsAreTwoUnits(value: Double, text: String) { #expect(Format.duration(value) == text) }
}

struct ProgressTests {
    @Test func progressIsSaidAfterAWhileAndNotTooOften() {
        let start = ContinuousClock.now
        var remarks = ProgressRemarks(every: .seconds(2), from: start)
        func line(_ done: Int, at seconds: Double) -> String? {
            remarks.line("job 'a'", done, of: 20_000, "shards", at: start + .seconds(seconds))
        }
        #expect(line(20, at: 1.9) == nil)
        #expect(line(1200, at: 2.1) == "job 'a': 1,200 of 20,000 shards")
        #expect(line(1300, at: 4) == nil)
        #expect(line(20_000, at: 4.2) == "job 'a': 20,000 of 20,000 shards")
    }
}
