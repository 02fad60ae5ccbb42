// Tables and numbers as people read them.

import Console
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
