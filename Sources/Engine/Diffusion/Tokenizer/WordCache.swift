// Words that were encoded before: captions and prompts repeat few words.

import Synchronization

/// The ids of recent short words, shared by all copies of a tokenizer.
final class WordCache: Sendable {
    /// The most words that are kept; when they are, all are forgotten.
    static let capacity = 16_384
    /// The longest word that is kept, in bytes.
    static let longestWord = 64

    private let words = Mutex<[ByteString: [Int]]>([:])

    /// The ids of `word`, from `encode` where it is not known.
    func ids(of word: ArraySlice<UInt8>, encode: (ArraySlice<UInt8>) -> [Int]) -> [Int] {
        guard word.count <= Self.longestWord else { return encode(word) }
        let key = ByteString(word)
        if let known = words.withLock({ $0[key] }) { return known }
        let ids = encode(word)
        words.withLock { words in
            if words.count >= Self.capacity { words.removeAll(keepingCapacity: true) }
            words[key] = ids
        }
        return ids
    }
}
