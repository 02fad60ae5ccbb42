// Changed copies of the golden checkpoints.

import Foundation
import Weights

@testable import Diffusion

/// A copy of a golden checkpoint in a temporary folder, gone with the object.
final class CheckpointCopy {
    let folder: String

    init(_ model: GoldenModel) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "checkpoint-\(UUID())").path
        try FileManager.default.copyItem(atPath: model.folder, toPath: folder)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// Sets a key of a JSON file to what `value` is in JSON; `nil` removes the key.
    func set(_ key: String, of file: String, to value: String?) throws {
        let url = URL(fileURLWithPath: "\(folder)/\(file)")
        guard var object = try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] else {
            throw CocoaError(.fileReadCorruptFile)
        }
        object[key] = try value.map {
            try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed)
        }
        try JSONSerialization.data(withJSONObject: object).write(to: url)
    }

    func write(_ text: String, to file: String) throws {
        try text.write(toFile: "\(folder)/\(file)", atomically: true, encoding: .utf8)
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: "\(folder)/\(file)") }

    /// A tensor that is written again.
    struct Entry {
        var name: String
        var shape: [Int]
        var values: [Float]
    }

    /// Writes a weight file again, each tensor as `change` gives it; `nil` leaves it out.
    func rewrite(_ file: String, adding added: [Entry] = [], _ change: (Entry) -> Entry?) throws {
        let path = "\(folder)/\(file)"
        let old = try WeightFile(path: path)
        let entries = old.entries.values.sorted { $0.name < $1.name }.compactMap { entry in
            change(Entry(name: entry.name, shape: entry.shape, values: old.floats(of: entry)))
        }
        try Safetensors.write((entries + added).map { ($0.name, $0.shape, $0.values) }, to: path)
    }
}
