// Scalars in bytes that are known to be UTF-8.

extension UTF8 {
    /// How many bytes a scalar takes.
    static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case ..<0x80: 1
        case ..<0x800: 2
        case ..<0x10000: 3
        default: 4
        }
    }
}

extension Unicode.Scalar {
    /// The scalar whose first byte is at `index` of valid UTF-8.
    init(decodingUTF8 bytes: ArraySlice<UInt8>, at index: Int) {
        let first = UInt32(bytes[index])
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = length == 1 ? first : first & (0x7F >> UInt32(length))
        for offset in 1..<max(length, 1) { value = value << 6 | UInt32(bytes[index + offset] & 0x3F) }
        self = Unicode.Scalar(value)!
    }

    /// The scalar whose last byte is before `index` of valid UTF-8.
    init(decodingUTF8 bytes: ArraySlice<UInt8>, before index: Int) {
        var start = index - 1
        while bytes[start] & 0xC0 == 0x80 { start -= 1 }
        self.init(decodingUTF8: bytes, at: start)
    }
}
