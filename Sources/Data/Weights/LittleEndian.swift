// Unsigned numbers in bytes.

/// Reads little-endian numbers at places that the caller has checked to be inside.
extension [UInt8] {
    func uint16(at index: Int) -> Int { Int(self[index]) | Int(self[index + 1]) << 8 }

    func uint32(at index: Int) -> Int { uint16(at: index) | uint16(at: index + 2) << 16 }

    func uint64(at index: Int) -> UInt64 { UInt64(uint32(at: index)) | UInt64(uint32(at: index + 4)) << 32 }
}
