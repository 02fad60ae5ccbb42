// How vocabularies spell bytes.

/// GPT-2's spelling of bytes as printable characters: what Latin-1 prints stands for itself, the other 68 follow from
/// U+0100 in their order.
enum ByteAlphabet {
    /// The character of a byte.
    static func character(_ byte: UInt8) -> String { characters[Int(byte)] }

    private static let characters: [String] = {
        var characters: [String] = []
        var next: UInt32 = 0x100
        for byte in UInt8.min...UInt8.max {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: characters.append(String(Character(Unicode.Scalar(byte))))
            default:
                characters.append(String(Character(Unicode.Scalar(next)!)))
                next += 1
            }
        }
        return characters
    }()
}
