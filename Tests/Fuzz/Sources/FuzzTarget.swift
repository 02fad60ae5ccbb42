// A reader under fuzzing: what is done with one input, and what must hold of every refusal.

/// One reader and the way to hand it bytes; it throws what the reader throws.
struct FuzzTarget: Sendable {
    /// What the command line and the corpus folder call it.
    var name: String
    /// Reads the bytes, and checks what the reader promises of what it accepts.
    var body: @Sendable (_ bytes: [UInt8]) throws -> Void

    /// Runs the body; a refusal must be what an operator can read. Nothing is left out: Foundation leaks a page when it
    /// reads an empty file, so tests read those.
    func run(_ bytes: [UInt8]) {
        if bytes.isEmpty { return }
        do {
            try body(bytes)
        } catch {
            Self.check(refusal: "\(error)")
        }
    }

    /// One line without control characters, of bounded length.
    static func check(refusal: String) {
        precondition(!refusal.isEmpty, "a refusal says something")
        precondition(refusal.utf8.count <= 1000, "a refusal is at most 1,000 bytes: \(refusal)")
        for scalar in refusal.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
            precondition(!isControl, "a refusal is one line without control characters: \(refusal.debugDescription)")
        }
    }
}

/// A promise of a reader; libFuzzer keeps the input that breaks it.
func expect(_ holds: Bool, _ promise: String) {
    precondition(holds, promise)
}
