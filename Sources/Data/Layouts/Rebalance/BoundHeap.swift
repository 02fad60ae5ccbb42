// A binary heap of bounds, the highest first.

/// Patterns by an upper bound of their worth; among equals the first pattern leads.
struct BoundHeap {
    /// A pattern, its bound, and the round in which that was its worth.
    struct Entry {
        var bound: Double
        var pattern: Int
        var round: Int

        func leads(_ other: Entry) -> Bool {
            bound > other.bound || (bound == other.bound && pattern < other.pattern)
        }
    }

    private var entries: [Entry]

    /// The leading entry.
    var top: Entry? { entries.first }

    /// Orders entries.
    init(_ entries: [Entry]) {
        self.entries = entries
        for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    /// Gives the leading entry its worth of a round.
    mutating func replaceTop(bound: Double, round: Int) {
        entries[0].bound = bound
        entries[0].round = round
        sink(0)
    }

    /// Removes the leading entry.
    mutating func removeTop() {
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        sink(0)
    }

    private mutating func sink(_ start: Int) {
        var index = start
        while true {
            var first = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < entries.count && entries[child].leads(entries[first]) { first = child }
            if first == index { return }
            entries.swapAt(first, index)
            index = first
        }
    }
}
