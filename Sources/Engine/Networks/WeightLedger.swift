// What was asked for while a network was built, and what did not fit.

import Tensors
import Weights

/// Gives tensors by whole names and remembers which were asked for and which could not be given.
///
/// Belongs to the one thread that builds the network.
final class WeightLedger {
    private let weights: WeightSet
    private let part: String
    private let naming: WeightNaming
    private let device: any Device
    private let loads: Bool
    private var used: Set<String> = []
    private var missing: [String] = []
    private var misfits: [NetworkError.Misfit] = []

    init(weights: WeightSet, part: String, naming: WeightNaming, device: any Device, loads: Bool) {
        self.weights = weights
        self.part = part
        self.naming = naming
        self.device = device
        self.loads = loads
    }

    func tensor(_ name: String, shape: [Int], stored: [Int]?) -> Tensor {
        for candidate in naming.candidates(for: name) {
            guard let (file, entry) = weights.find(candidate) else { continue }
            used.insert(candidate)
            guard entry.shape == shape || entry.shape == stored else {
                return misfit(candidate, shape, found: "\(entry.shape)")
            }
            guard entry.format.isFractional else { return misfit(candidate, shape, found: entry.format.rawValue) }
            return loads ? load(entry, of: file, shape: shape) : empty
        }
        missing.append(name)
        return empty
    }

    func finish() throws(NetworkError) {
        let unexpected = weights.names.filter { !used.contains($0) && !naming.ignores($0) }.sorted()
        guard missing.isEmpty, unexpected.isEmpty, misfits.isEmpty else {
            throw NetworkError(part: part, missing: missing, unexpected: unexpected, misfits: misfits)
        }
    }

    private func load(_ entry: WeightEntry, of file: WeightFile, shape: [Int]) -> Tensor {
        guard let mapped = file.mappedFloats(of: entry) else {
            return Tensor(file.floats(of: entry), shape: shape, device: device)
        }
        return Tensor(mapping: mapped, shape: shape, owner: file, device: device)
    }

    private func misfit(_ name: String, _ expected: [Int], found: String) -> Tensor {
        misfits.append(NetworkError.Misfit(name: name, expected: expected, found: found))
        return empty
    }

    /// Stands for what could not be given, where `finish()` throws before anybody computes with it, and for what is only
    /// held against the files.
    private var empty: Tensor { Tensor([], shape: [0], device: device) }
}
