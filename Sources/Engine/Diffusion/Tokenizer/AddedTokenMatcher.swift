// Finding added tokens in a text, however many there are.

/// The added tokens of one pass in a trie of bytes: a text is searched in time that depends on its length and the
/// longest token, not on how many tokens there are.
struct AddedTokenMatcher: Sendable {
    /// A piece of a text: an added token, or what lies between two of them.
    enum Segment: Equatable {
        case token(Int)
        case text(Range<Int>)
    }

    private struct Flags {
        var id: Int
        var isSingleWord: Bool
        var stripsLeft: Bool
        var stripsRight: Bool
    }

    /// Nodes by parent and byte; node 0 is the root.
    private var children: [UInt64: Int32] = [:]
    private var nodeCount: Int32 = 1
    /// Which token ends at a node.
    private var ends: [Int32: Flags] = [:]
    private var isFirstByte = [Bool](repeating: false, count: 256)

    /// Adds a token that is matched as `pattern`, and returns the token that already had that pattern, if one had.
    mutating func insert(_ pattern: [UInt8], token: AddedToken, id: Int) -> Int? {
        precondition(!pattern.isEmpty, "tokens are not empty")
        isFirstByte[Int(pattern[0])] = true
        var node: Int32 = 0
        for byte in pattern {
            let edge = Self.edge(node, byte)
            if let child = children[edge] {
                node = child
            } else {
                children[edge] = nodeCount
                node = nodeCount
                nodeCount += 1
            }
        }
        let flags = Flags(
            id: id, isSingleWord: token.isSingleWord, stripsLeft: token.stripsLeft, stripsRight: token.stripsRight)
        return ends.updateValue(flags, forKey: node)?.id
    }

    private static func edge(_ node: Int32, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }

    /// The pieces of `text`, in order: the leftmost longest tokens, searched on from the end of each match.
    func segments(of text: ArraySlice<UInt8>) -> [Segment] {
        var segments: [Segment] = []
        var done = text.startIndex
        var position = text.startIndex
        while position < text.endIndex {
            guard isFirstByte[Int(text[position])], let (flags, end) = longestMatch(in: text, at: position) else {
                position += 1
                continue
            }
            var start = position
            position = end
            if flags.isSingleWord, !Self.isSingleWord(start..<end, in: text) { continue }
            if flags.stripsLeft { start = max(Self.startOfSpace(before: start, in: text), done) }
            let stop = flags.stripsRight ? Self.endOfSpace(after: end, in: text) : end
            if done < start { segments.append(.text(done..<start)) }
            segments.append(.token(flags.id))
            done = stop
        }
        if done < text.endIndex { segments.append(.text(done..<text.endIndex)) }
        return segments
    }

    private func longestMatch(in text: ArraySlice<UInt8>, at start: Int) -> (Flags, end: Int)? {
        var node: Int32 = 0
        var found: (Flags, end: Int)?
        var index = start
        while index < text.endIndex, let child = children[Self.edge(node, text[index])] {
            node = child
            index += 1
            if let flags = ends[node] { found = (flags, index) }
        }
        return found
    }

    private static func isSingleWord(_ range: Range<Int>, in text: ArraySlice<UInt8>) -> Bool {
        if range.lowerBound > text.startIndex,
            Unicode.Scalar(decodingUTF8: text, before: range.lowerBound).isWordCharacter
        {
            return false
        }
        return range.upperBound == text.endIndex
            || !Unicode.Scalar(decodingUTF8: text, at: range.upperBound).isWordCharacter
    }

    private static func startOfSpace(before index: Int, in text: ArraySlice<UInt8>) -> Int {
        var index = index
        while index > text.startIndex {
            let scalar = Unicode.Scalar(decodingUTF8: text, before: index)
            guard scalar.properties.isWhitespace else { break }
            index -= UTF8.width(scalar)
        }
        return index
    }

    private static func endOfSpace(after index: Int, in text: ArraySlice<UInt8>) -> Int {
        var index = index
        while index < text.endIndex {
            let scalar = Unicode.Scalar(decodingUTF8: text, at: index)
            guard scalar.properties.isWhitespace else { break }
            index += UTF8.width(scalar)
        }
        return index
    }
}
