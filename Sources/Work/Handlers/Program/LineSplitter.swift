// Cuts a stream of bytes into lines of bounded length. Pure: whoever reads puts bytes in.

/// Collects bytes and hands out lines without their newline.
///
/// It never holds more than `limit` bytes of one line: a longer line comes out as its beginning, and its rest is dropped.
struct LineSplitter: Sendable {
    /// One line, or the beginning of one that was too long.
    struct Line: Sendable, Hashable {
        var bytes: [UInt8]
        var isCut = false
    }

    private let limit: Int
    private var partial: [UInt8] = []
    private var isSkipping = false
    private var lines: [Line] = []
    private var next = 0

    init(limit: Int) {
        precondition(limit >= 1, "a line may hold at least one byte")
        self.limit = limit
    }

    /// Whether everything that came was handed out.
    var isEmpty: Bool { next == lines.count && partial.isEmpty && !isSkipping }

    /// Takes the next bytes of the stream.
    mutating func append(_ bytes: some Collection<UInt8>) {
        var rest = bytes[...]
        while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
            take(rest[..<newline])
            if !isSkipping { lines.append(Line(bytes: partial)) }
            partial.removeAll(keepingCapacity: partial.count <= 1 << 16)
            isSkipping = false
            rest = rest[rest.index(after: newline)...]
        }
        take(rest)
    }

    /// The oldest line that was not handed out yet.
    mutating func popLine() -> Line? {
        guard next < lines.count else {
            lines.removeAll(keepingCapacity: true)
            next = 0
            return nil
        }
        defer { next += 1 }
        return lines[next]
    }

    /// What the stream ended with after its last newline, where that is not empty.
    mutating func popRest() -> Line? {
        defer { partial = [] }
        return partial.isEmpty ? nil : Line(bytes: partial)
    }

    private mutating func take(_ bytes: some Collection<UInt8>) {
        guard !isSkipping else { return }
        guard bytes.count > limit - partial.count else {
            partial.append(contentsOf: bytes)
            return
        }
        partial.append(contentsOf: bytes.prefix(limit - partial.count))
        lines.append(Line(bytes: partial, isCut: true))
        partial = []
        isSkipping = true
    }
}
