// The directory of a zip file whose entries are stored, not compressed.

import ErrorLines

/// Finds the entries of a zip file, of any size, by its central directory.
///
/// Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3 (zip64). Checksums are not looked at: `torch.save` can be told to
/// leave them out.
struct StoredZip {
    /// The most entries; `torch.save` writes one for each storage.
    private static let entryLimit = 200_000

    /// Where each entry's bytes are in the file.
    private(set) var entries: [String: Range<Int>] = [:]
    private let file: MappedFile

    /// Reads the directory; afterwards every entry's bytes are known to be in the file, before the directory.
    init(_ file: MappedFile) throws(WeightError) {
        self.file = file
        let end = try Self.end(of: file)
        guard end.count <= Self.entryLimit, end.count <= end.directory.count / 46 else {
            throw .content(
                file.path, "zip directory",
                expected:
                    "at most \(min(Self.entryLimit, end.directory.count / 46)) entries in \(end.directory.count) bytes",
                found: "\(end.count)")
        }
        let bytes = file.copy(end.directory)
        var position = 0
        for _ in 0..<end.count {
            let record = try Record(bytes, at: position, path: file.path)
            position += record.length
            try add(record, before: end.directory.lowerBound)
        }
        guard position == bytes.count else {
            throw .content(
                file.path, "zip directory", expected: "\(bytes.count) bytes", found: "\(position) in its entries")
        }
        try checkOverlaps()
    }

    private mutating func add(_ record: Record, before directory: Int) throws(WeightError) {
        var place: String { "zip entry \(ErrorLine.quoted(record.name))" }
        guard !record.isEncrypted else {
            throw .unsupported(file.path, "\(place) is encrypted", fix: "save the weights again with torch.save")
        }
        guard record.method == 0, record.compressedSize == record.size else {
            let method = record.method == 8 ? "deflated" : "compressed by method \(record.method)"
            throw .unsupported(
                file.path, "\(place) is \(method), expected it stored", fix: "save the weights again with torch.save")
        }
        guard record.headerOffset <= directory - 30, record.size <= directory else {
            throw .content(
                file.path, place, expected: "a place before the directory (byte \(directory))",
                found: "\(record.size) bytes at \(record.headerOffset)")
        }
        let header = file.copy(record.headerOffset..<record.headerOffset + 30)
        let nameStart = record.headerOffset + 30
        let start = nameStart + header.uint16(at: 26) + header.uint16(at: 28)
        guard header.uint32(at: 0) == 0x0403_4B50, start + record.size <= directory,
            file.copy(nameStart..<nameStart + header.uint16(at: 26)).elementsEqual(record.name.utf8)
        else {
            throw .content(
                file.path, place, expected: "its local header at byte \(record.headerOffset), and \(record.size) bytes",
                found: "something else")
        }
        guard entries.updateValue(start..<start + record.size, forKey: record.name) == nil else {
            throw .content(file.path, place, expected: "each name once", found: "it twice")
        }
    }

    private func checkOverlaps() throws(WeightError) {
        let ordered = entries.filter { !$0.value.isEmpty }.sorted { $0.value.lowerBound < $1.value.lowerBound }
        for (earlier, later) in zip(ordered, ordered.dropFirst())
        where earlier.value.upperBound > later.value.lowerBound {
            throw .content(
                file.path, "zip entry \(ErrorLine.quoted(later.key))", expected: "bytes of its own",
                found: "bytes of \(ErrorLine.quoted(earlier.key)) too")
        }
    }
}

extension StoredZip {
    /// What the end of the file says about the directory.
    private struct End {
        var count: Int
        var directory: Range<Int>
    }

    private static func truncated(_ path: String, expected: String, found: String) -> WeightError {
        .content(
            path, "zip", expected: expected, found: found, fix: "the file is cut off or damaged: download it again")
    }

    private static func end(of file: MappedFile) throws(WeightError) -> End {
        let tail = file.copy(max(0, file.count - 22 - 0xFFFF)..<file.count)
        let places = stride(from: tail.count - 22, through: 0, by: -1)
        guard
            let place = places.first(where: {
                tail[$0] == 0x50 && tail.uint32(at: $0) == 0x0605_4B50
                    && $0 + 22 + tail.uint16(at: $0 + 20) == tail.count
            })
        else { throw truncated(file.path, expected: "an end record", found: "none") }
        var (count, size, offset) = (
            UInt64(tail.uint16(at: place + 10)), UInt64(tail.uint32(at: place + 12)),
            UInt64(tail.uint32(at: place + 16))
        )
        var limit = file.count - tail.count + place
        if place >= 20, tail.uint32(at: place - 20) == 0x0706_4B50 {
            limit -= 20
            let start = tail.uint64(at: place - 12)
            guard limit >= 56, start <= limit - 56 else {
                throw truncated(file.path, expected: "a zip64 end record before byte \(limit)", found: "byte \(start)")
            }
            let record = file.copy(Int(start)..<Int(start) + 56)
            guard record.uint32(at: 0) == 0x0606_4B50 else {
                throw truncated(file.path, expected: "a zip64 end record at byte \(start)", found: "something else")
            }
            (count, size, offset) = (record.uint64(at: 32), record.uint64(at: 40), record.uint64(at: 48))
            limit = Int(start)
        }
        guard size <= limit, offset <= limit - Int(size), size <= SafetensorsReader.headerLimit,
            let entries = Int(exactly: count)
        else {
            throw truncated(
                file.path, expected: "a directory before byte \(limit)", found: "\(size) bytes at \(offset)")
        }
        return End(count: entries, directory: Int(offset)..<Int(offset + size))
    }

    /// One entry of the central directory.
    private struct Record {
        let name: String
        let isEncrypted: Bool
        let method: Int
        let compressedSize: Int
        let size: Int
        let headerOffset: Int
        /// Bytes of the record itself.
        let length: Int

        init(_ bytes: [UInt8], at start: Int, path: String) throws(WeightError) {
            var place: String { "zip directory, byte \(start)" }
            guard start + 46 <= bytes.count, bytes.uint32(at: start) == 0x0201_4B50 else {
                throw .content(path, place, expected: "an entry", found: "something else")
            }
            let nameEnd = start + 46 + bytes.uint16(at: start + 28)
            let extraEnd = nameEnd + bytes.uint16(at: start + 30)
            length = extraEnd + bytes.uint16(at: start + 32) - start
            guard start + length <= bytes.count,
                let name = String(validating: bytes[start + 46..<nameEnd], as: UTF8.self), WeightError.isPlain(name)
            else {
                throw .content(path, place, expected: "a whole entry with a name in UTF-8", found: "something else")
            }
            self.name = name
            isEncrypted = bytes.uint16(at: start + 8) & 1 != 0
            method = bytes.uint16(at: start + 10)
            // Numbers that do not fit are all ones, and stand in the zip64 field, in this order.
            var wide = Self.zip64Numbers(bytes, nameEnd..<extraEnd)[...]
            func number(at index: Int) -> UInt64? {
                let narrow = bytes.uint32(at: start + index)
                return narrow == 0xFFFF_FFFF ? wide.popFirst() : UInt64(narrow)
            }
            guard let size = number(at: 24).flatMap(Int.init(exactly:)),
                let compressedSize = number(at: 20).flatMap(Int.init(exactly:)),
                let headerOffset = number(at: 42).flatMap(Int.init(exactly:))
            else { throw .content(path, place, expected: "sizes in a zip64 field", found: "none") }
            (self.size, self.compressedSize, self.headerOffset) = (size, compressedSize, headerOffset)
        }

        private static func zip64Numbers(_ bytes: [UInt8], _ extra: Range<Int>) -> [UInt64] {
            var position = extra.lowerBound
            while position + 4 <= extra.upperBound {
                let end = position + 4 + bytes.uint16(at: position + 2)
                guard end <= extra.upperBound else { return [] }
                if bytes.uint16(at: position) == 1 {
                    return stride(from: position + 4, through: end - 8, by: 8).map { bytes.uint64(at: $0) }
                }
                position = end
            }
            return []
        }
    }
}
