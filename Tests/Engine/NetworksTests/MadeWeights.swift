// Weight files made for one test.

import Foundation
import Networks
import Tensors
import Weights

/// A temporary folder with one weight file, gone with the object.
final class MadeWeights {
    private let folder: String

    init(_ tensors: [(name: String, shape: [Int], values: [Float])]) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "weights-\(UUID())").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Safetensors.write(tensors, to: "\(folder)/model.safetensors")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func scope(_ device: (any Device)?, naming: WeightNaming = WeightNaming()) throws -> WeightScope {
        WeightScope(
            try WeightSet(folder: folder, library: .transformers), part: "made", naming: naming, device: device)
    }
}
