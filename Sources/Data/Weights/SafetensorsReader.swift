// The header of a safetensors file.

import ErrorLines
import JSON

/// Reads and checks the header of a safetensors file: 8 bytes of length, that much JSON, and then the numbers, tensor
/// after tensor without gaps, up to the file's end.
///
/// Source: the format section of the safetensors project's README.
struct SafetensorsReader {
    /// The most bytes of a header; the format's own limit.
    static let headerLimit = 100_000_000

    let file: MappedFile
    private(set) var entries: [String: WeightEntry] = [:]
    private(set) var metadata: [String: String] = [:]
    /// Where the numbers begin.
    private let start: Int

    /// Reads the header; afterwards every entry's bytes are known to be in the file.
    init(_ file: MappedFile) throws(WeightError) {
        self.file = file
        guard file.count >= 8 else {
            throw .content(file.path, "file", expected: "at least 8 bytes", found: "\(file.count)")
        }
        let length = file.copy(0..<8).uint64(at: 0)
        guard length <= Self.headerLimit else {
            throw .content(
                file.path, "first 8 bytes", expected: "a header length of at most \(Self.headerLimit)",
                found: "\(length)",
                fix: "give a safetensors file or a torch zip pickle, or download the file again")
        }
        start = 8 + Int(length)
        guard start <= file.count else {
            throw .content(
                file.path, "header", expected: "\(length) bytes", found: "only \(file.count - 8) in the file")
        }
        var header = JSONReader<WeightError>(
            file.copy(8..<start), path: file.path, part: "header", fix: WeightError.again)
        try header.members { (header, name) throws(WeightError) in
            if name == "__metadata__" {
                try readMetadata(&header)
            } else {
                try readTensor(name, &header)
            }
        }
        try header.finish()
        try checkCoverage()
    }

    private mutating func readMetadata(_ header: inout JSONReader<WeightError>) throws(WeightError) {
        var found: [String: String] = [:]
        try header.members { (header, key) throws(WeightError) in found[key] = try header.text() }
        metadata = found
    }

    /// A tensor for messages.
    private static func place(_ tensor: String) -> String { "tensor \(ErrorLine.quoted(tensor))" }

    private mutating func readTensor(_ name: String, _ header: inout JSONReader<WeightError>) throws(WeightError) {
        var place: String { Self.place(name) }
        guard WeightError.isPlain(name) else {
            throw .content(file.path, place, expected: "a name without control characters", found: "one with them")
        }
        guard entries[name] == nil else {
            throw .content(file.path, place, expected: "each name once", found: "it twice", fix: "write the file again")
        }
        var format: NumberFormat?
        var shape: [Int]?
        var offsets: [Int] = []
        try header.members { (header, key) throws(WeightError) in
            switch key {
            case "dtype" where format == nil: format = try readFormat(&header, name)
            case "shape" where shape == nil: shape = try header.counts(limit: WeightEntry.rankLimit)
            case "data_offsets" where offsets.isEmpty: offsets = try header.counts(limit: 2)
            default:
                throw .content(
                    file.path, place, expected: "'dtype', 'shape' and 'data_offsets' once each",
                    found: ErrorLine.quoted(key))
            }
        }
        guard let format, let shape, offsets.count == 2 else {
            throw .content(
                file.path, place, expected: "'dtype', 'shape' and 'data_offsets' with two numbers",
                found: "not all of them")
        }
        try checkOffsets(offsets, shape: shape, format: format, name)
        entries[name] = WeightEntry(
            name: name, shape: shape, format: format, placement: .init(offset: start + offsets[0]))
    }

    private func readFormat(_ header: inout JSONReader<WeightError>, _ tensor: String) throws(WeightError)
        -> NumberFormat
    {
        let name = try header.text()
        guard let format = NumberFormat(safetensorsName: name) else {
            let known = NumberFormat.allCases.map(\.safetensorsName).joined(separator: ", ")
            throw .unsupported(
                file.path, "\(Self.place(tensor)): expected a dtype of \(known), found \(ErrorLine.quoted(name))",
                fix: "convert the tensor to F32, F16 or BF16")
        }
        return format
    }

    private func checkOffsets(
        _ offsets: [Int], shape: [Int], format: NumberFormat, _ tensor: String
    ) throws(WeightError) {
        guard let count = WeightEntry.count(of: shape, format: format) else {
            throw .content(
                file.path, Self.place(tensor), expected: "a shape whose bytes can be counted",
                found: WeightError.list(shape))
        }
        let (begin, end) = (offsets[0], offsets[1])
        guard begin <= end, end <= file.count - start else {
            throw .content(
                file.path, Self.place(tensor),
                expected: "offsets within the file's \(file.count - start) bytes of numbers",
                found: "\(begin) to \(end)")
        }
        guard end - begin == count * format.byteCount else {
            throw .content(
                file.path, Self.place(tensor),
                expected: "\(count * format.byteCount) bytes for shape \(WeightError.list(shape)) of \(format)",
                found: "\(end - begin)")
        }
    }

    /// The tensors' bytes must follow one another from the header to the end.
    private func checkCoverage() throws(WeightError) {
        var position = start
        let ordered = entries.values.sorted {
            ($0.placement.offset, $0.byteCount) < ($1.placement.offset, $1.byteCount)
        }
        for entry in ordered {
            guard entry.placement.offset == position else {
                throw .content(
                    file.path, Self.place(entry.name),
                    expected: "its bytes to begin where the tensor before it ends (\(position - start))",
                    found:
                        "\(entry.placement.offset - start), which \(entry.placement.offset < position ? "overlaps" : "leaves a hole")",
                    fix: "write the file again")
            }
            position += entry.byteCount
        }
        guard position == file.count else {
            throw .content(
                file.path, "end", expected: "\(position) bytes, as the header says", found: "\(file.count)")
        }
    }
}

extension JSONReader {
    /// A list of at most `limit` integers from 0 up.
    fileprivate mutating func counts(limit: Int) throws(Failure) -> [Int] {
        var found: [Int] = []
        try elements { (reader) throws(Failure) in
            guard found.count < limit else { throw reader.failure("at most \(limit) integers") }
            found.append(try reader.count())
        }
        return found
    }
}
