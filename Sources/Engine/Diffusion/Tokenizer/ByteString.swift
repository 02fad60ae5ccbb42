// Text that is compared byte for byte.

import ErrorLines

/// UTF-8 text as a dictionary's key: `String` holds canonically equivalent spellings equal, vocabularies do not.
struct ByteString: Hashable, Sendable {
    let bytes: [UInt8]

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    init(_ text: String) { bytes = Array(text.utf8) }

    func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// The text for a message.
    var quoted: String { ErrorLine.quoted(String(decoding: bytes, as: UTF8.self)) }
}
