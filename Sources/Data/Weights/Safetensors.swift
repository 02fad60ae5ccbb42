// Writing safetensors files.

import Foundation

/// Writes tensors as safetensors.
public enum Safetensors {
    /// Writes float32 tensors, in the order of their names, whatever the order given: equal tensors give equal bytes.
    ///
    /// The file appears whole or not at all: it is written under another name in the same folder, synced and renamed, over
    /// what is there. The header is padded to a multiple of 8 bytes, so that the numbers can be used in place. Names must
    /// differ and have no control characters; each tensor must have as many values as its shape says.
    ///
    /// - Throws: ``WeightError`` when the file cannot be written.
    public static func write(
        _ tensors: [(name: String, shape: [Int], values: [Float])], metadata: [String: String] = [:], to path: String
    ) throws(WeightError) {
        let ordered = tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        for (earlier, later) in zip(ordered, ordered.dropFirst()) {
            precondition(earlier.name != later.name, "names differ: \(later.name)")
        }
        let header = header(ordered.map { ($0.name, $0.shape, $0.values.count) }, metadata)
        let file = try TemporaryFile(for: path)
        try file.write(header)
        for tensor in ordered { try file.write(tensor.values) }
        try file.commit()
    }

    /// The header's length and JSON, in the form that the Python package writes.
    private static func header(
        _ tensors: [(name: String, shape: [Int], count: Int)], _ metadata: [String: String]
    ) -> [UInt8] {
        var members: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
        }
        var offset = 0
        for tensor in tensors {
            precondition(WeightError.isPlain(tensor.name) && tensor.name != "__metadata__", "names are plain")
            precondition(
                WeightEntry.count(of: tensor.shape, format: .float32) == tensor.count,
                "\(tensor.name) has as many values as its shape says")
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            let end = offset + 4 * tensor.count
            members.append(
                "\(quoted(tensor.name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
            offset = end
        }
        var text = Array("{\(members.joined(separator: ","))}".utf8)
        while !text.count.isMultiple(of: 8) { text.append(UInt8(ascii: " ")) }
        return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
    }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            case "\n": "\\n"
            case "\r": "\\r"
            case "\t": "\\t"
            case _ where scalar.value < 0x20: "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(scalar)
            }
        }
        return "\"\(escaped.joined())\""
    }
}
