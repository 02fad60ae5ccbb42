// The word pattern of CLIP's tokenizer.

/// Cuts normalized text into the words that byte pair encoding works on:
/// `<|startoftext|>|<|endoftext|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`, then GPT-2's pattern, which
/// only takes the two tokens apart.
struct WordSplitter {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    /// What is left of one of the two tokens spelled out.
    private var pending: [Range<Int>] = []

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// The next word; nil at the end.
    mutating func next() -> ArraySlice<UInt8>? {
        if let part = pending.popLast() { return bytes[part] }
        while position < bytes.endIndex {
            let start = position
            if let length = spelledToken() ?? contraction() {
                position += length
                return pending.isEmpty ? bytes[start..<position] : bytes[pending.removeLast()]
            }
            let (kind, length) = character(at: position)
            position += length
            if kind == .space { continue }
            if kind != .number { skip(kind) }
            return bytes[start..<position]
        }
        return nil
    }

    private mutating func skip(_ kind: CharacterClass) {
        while position < bytes.endIndex, case let (next, length) = character(at: position), next == kind {
            position += length
        }
    }

    /// The class of the character at `index` and its length in bytes.
    private func character(at index: Int) -> (CharacterClass, Int) {
        let scalar = Unicode.Scalar(decodingUTF8: bytes, at: index)
        return (CharacterClass(scalar), UTF8.width(scalar))
    }

    private func starts(with text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[position...].starts(with: $0) }
    }

    /// The two tokens written out where they are no added tokens; they fall apart into three words.
    private mutating func spelledToken() -> Int? {
        guard bytes[position] == UInt8(ascii: "<") else { return nil }
        let length = starts(with: "<|startoftext|>") ? 15 : starts(with: "<|endoftext|>") ? 13 : 0
        guard length > 0 else { return nil }
        let end = position + length
        pending = [end - 2..<end, position + 2..<end - 2, position..<position + 2]
        return length
    }

    private func contraction() -> Int? {
        guard bytes[position] == UInt8(ascii: "'"), position + 1 < bytes.endIndex else { return nil }
        switch bytes[position + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        default: return starts(with: "'re") || starts(with: "'ve") || starts(with: "'ll") ? 3 : nil
        }
    }
}
