// The outline of a JPEG: is it whole, and which way up is it?

/// What the markers of a JPEG say, read without decoding a pixel (ITU-T T.81, annex B; Exif 2.32, section 4.6).
struct JPEGMarkers {
    /// Whether the end marker is there. Without it the file was cut off, and a decoder would paint the rest gray.
    private(set) var isWhole = false
    /// Exif's orientation, 1...8; 1 is upright, and what a file without one is.
    private(set) var orientation = 1

    /// Walks over the segments; stops at what is no marker, which the decoder then refuses by itself.
    init(_ bytes: [UInt8]) {
        var position = 2
        while let marker = Self.nextMarker(in: bytes, from: &position) {
            switch marker {
            case 0xD9:
                isWhole = true
                return
            case 0x01, 0xD0...0xD8: continue
            default:
                guard position + 2 <= bytes.count else { return }
                let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
                guard length >= 2, position + length <= bytes.count else { return }
                if marker == 0xE1, let found = Self.orientation(exif: bytes[position + 2..<position + length]) {
                    orientation = found
                }
                position += length
            }
        }
    }

    /// The code of the next marker, `position` behind it. Entropy-coded data is passed over: there a byte 0xFF is followed
    /// by 0, or by a restart marker.
    private static func nextMarker(in bytes: [UInt8], from position: inout Int) -> UInt8? {
        while position + 1 < bytes.count {
            defer { position += 1 }
            guard bytes[position] == 0xFF else { continue }
            let code = bytes[position + 1]
            if code == 0 || code == 0xFF { continue }
            position += 1
            return code
        }
        return nil
    }

    /// The orientation in the first directory of an Exif segment; nil where there is none.
    private static func orientation(exif segment: ArraySlice<UInt8>) -> Int? {
        let head = Array("Exif".utf8) + [0, 0]
        guard segment.starts(with: head) else { return nil }
        let tiff = Array(segment.dropFirst(head.count))
        guard tiff.count >= 8 else { return nil }
        let isLittle = tiff[0] == UInt8(ascii: "I")
        func number(at offset: Int, bytes count: Int) -> Int? {
            guard offset >= 0, offset + count <= tiff.count else { return nil }
            let part = tiff[offset..<offset + count]
            return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | Int($1) }
        }
        guard number(at: 2, bytes: 2) == 42, let directory = number(at: 4, bytes: 4),
            let entries = number(at: directory, bytes: 2)
        else { return nil }
        for entry in 0..<entries {
            let offset = directory + 2 + 12 * entry
            guard let tag = number(at: offset, bytes: 2) else { return nil }
            // Tag 0x0112, type SHORT.
            guard tag == 0x0112, number(at: offset + 2, bytes: 2) == 3 else { continue }
            return number(at: offset + 8, bytes: 2).flatMap { (1...8).contains($0) ? $0 : nil }
        }
        return nil
    }
}
