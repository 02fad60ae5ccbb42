// The files that Golden/write_golden.py made, and what they hold.

import Foundation

@testable import Weights

/// What torch says is in the golden files.
struct Golden: Decodable {
    struct Tensor: Decodable {
        var shape: [Int]
        var format: String
        var bits: [UInt32]
    }

    var files: [String: [String: Tensor]]
    var casts: [String: String]

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
        .path

    /// The path of a golden file.
    static func path(_ name: String) -> String { "\(folder)/\(name)" }

    static func read() throws -> Golden {
        try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path("expected.json"))))
    }
}

/// The bits of numbers, since NaN is not equal to itself.
func bits(_ floats: some Sequence<Float>) -> [UInt32] { floats.map(\.bitPattern) }
