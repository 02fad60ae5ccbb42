// The JSON of tokenizer files: hundreds of thousands of values, with the numbers that Python writes.

import JSON

extension JSONReader<CheckpointError> {
    /// The most bytes of one file; the largest real ones hold 65,539 added tokens in 16 MB.
    static var tokenizerLimit: Int { 1 << 25 }

    /// Reads a file of a tokenizer.
    init(tokenizerFile path: String) throws(CheckpointError) {
        self.init(
            tokenizer: try SmallFile.read(path, limit: Self.tokenizerLimit, expected: "a file of a tokenizer"),
            path: path)
    }

    /// Reads the bytes of such a file.
    init(tokenizer bytes: [UInt8], path: String) {
        self.init(bytes, path: path, fix: "save the tokenizer again", takesPythonNumbers: true)
    }

    /// An id of a token.
    mutating func tokenID() throws(CheckpointError) -> Int {
        let id = try integer()
        guard (0...TokenizerModel.largestID).contains(id) else {
            throw failure("an id from 0 to \(TokenizerModel.largestID), not \(id), before")
        }
        return id
    }
}
