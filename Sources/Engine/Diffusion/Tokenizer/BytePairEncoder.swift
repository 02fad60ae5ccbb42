// Byte pair encoding of one word, with the suffix that marks a word's end.

/// The pieces of a vocabulary and the rules that merge them.
///
/// Follows Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword Units", on bytes spelled
/// as characters as GPT-2 does.
struct BytePairEncoder: Sendable {
    /// What marks the last piece of a word.
    static let suffix = "</w>"

    private struct Rule {
        var rank: Int32
        var merged: Int32
    }

    /// The piece of each byte within a word, then of each byte that ends one.
    private let bytePieces: [Int32]
    private let rules: [UInt64: Rule]

    /// Makes an encoder; `unknown` is the id for bytes without a piece.
    ///
    /// Throws when merges name what the vocabulary does not have, or when it cannot spell every byte; `path` is the
    /// vocabulary's file.
    init(
        vocabulary: [ByteString: Int32], merges: MergeList, unknown: Int32?, path: String
    ) throws(CheckpointError) {
        var bytePieces: [Int32] = []
        for suffix in ["", Self.suffix] {
            for byte in UInt8.min...UInt8.max {
                let piece = ByteAlphabet.character(byte) + suffix
                guard let id = vocabulary[ByteString(piece)] ?? unknown else {
                    throw CheckpointError(
                        .content,
                        "\(path): expected a piece for every byte or an unknown token, found no '\(piece)'; "
                            + "use the tokenizer that the text encoder was trained with")
                }
                bytePieces.append(id)
            }
        }
        self.bytePieces = bytePieces
        var rules: [UInt64: Rule] = [:]
        rules.reserveCapacity(merges.count)
        for rank in 0..<merges.count {
            func id(_ piece: ByteString) throws(CheckpointError) -> Int32 {
                if let id = vocabulary[piece] { return id }
                throw merges.missing(piece, at: rank)
            }
            let (first, second, merged) = merges.pieces(at: rank)
            rules[Self.pair(try id(first), try id(second))] = Rule(rank: Int32(rank), merged: try id(merged))
        }
        self.rules = rules
    }

    private static func pair(_ first: Int32, _ second: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    }

    /// A pair that may be merged, lowest rank first, then leftmost.
    private struct Candidate: Comparable {
        var rank: Int32
        var position: Int32
        var merged: Int32

        static func < (one: Candidate, other: Candidate) -> Bool {
            (one.rank, one.position) < (other.rank, other.position)
        }
    }

    /// A piece in a doubly linked list; -1 is no neighbor.
    private struct Symbol {
        var id: Int32
        var previous: Int32
        var next: Int32
        var isMerged = false
    }

    /// The ids of a word's pieces; `word` is not empty.
    func ids(of word: ArraySlice<UInt8>) -> [Int] {
        var symbols: [Symbol] = []
        symbols.reserveCapacity(word.count)
        for (index, byte) in word.enumerated() {
            let isLast = index == word.count - 1
            symbols.append(
                Symbol(
                    id: bytePieces[Int(byte) + (isLast ? 256 : 0)], previous: Int32(index) - 1,
                    next: isLast ? -1 : Int32(index) + 1))
        }
        var queue = PriorityQueue<Candidate>()
        for index in symbols.indices { push(pairAt: Int32(index), of: symbols, to: &queue) }
        while let candidate = queue.pop() { merge(candidate, in: &symbols, queue: &queue) }
        return symbols.lazy.filter { !$0.isMerged }.map { Int($0.id) }
    }

    private func rule(at index: Int32, of symbols: [Symbol]) -> Rule? {
        let symbol = symbols[Int(index)]
        guard !symbol.isMerged, symbol.next >= 0 else { return nil }
        return rules[Self.pair(symbol.id, symbols[Int(symbol.next)].id)]
    }

    private func push(pairAt index: Int32, of symbols: [Symbol], to queue: inout PriorityQueue<Candidate>) {
        guard let rule = rule(at: index, of: symbols) else { return }
        queue.push(Candidate(rank: rule.rank, position: index, merged: rule.merged))
    }

    private func merge(_ candidate: Candidate, in symbols: inout [Symbol], queue: inout PriorityQueue<Candidate>) {
        // A candidate is out of date when its pair has changed; one that makes the same piece still counts.
        guard let rule = rule(at: candidate.position, of: symbols), rule.merged == candidate.merged else { return }
        let left = Int(candidate.position)
        let right = Int(symbols[left].next)
        symbols[left].id = candidate.merged
        symbols[left].next = symbols[right].next
        symbols[right].isMerged = true
        if symbols[left].next >= 0 { symbols[Int(symbols[left].next)].previous = Int32(left) }
        if symbols[left].previous >= 0 { push(pairAt: symbols[left].previous, of: symbols, to: &queue) }
        push(pairAt: Int32(left), of: symbols, to: &queue)
    }
}
