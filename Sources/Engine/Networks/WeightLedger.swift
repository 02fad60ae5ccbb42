// What was asked for while a network was built, and what did not fit.

import Tensors
import Weights

/// Gives parameters by whole names and remembers which were asked for and which could not be given.
///
/// Belongs to the one thread that builds the network.
final class WeightLedger {
    private let weights: WeightSet
    private let part: String
    private let naming: WeightNaming
    private let device: any Device
    private let loads: Bool
    private var used: Set<String> = []
    private var given: [(path: String, parameter: Parameter)] = []
    private var places: [String: Int] = [:]
    private var missing: [String] = []
    private var misfits: [NetworkError.Misfit] = []

    init(weights: WeightSet, part: String, naming: WeightNaming, device: any Device, loads: Bool) {
        self.weights = weights
        self.part = part
        self.naming = naming
        self.device = device
        self.loads = loads
    }

    func parameter(_ name: String, shape: [Int], stored: [Int]?) -> Parameter {
        for candidate in naming.candidates(for: name) {
            guard let (file, entry) = weights.find(candidate) else { continue }
            used.insert(candidate)
            guard entry.shape == shape || entry.shape == stored else {
                return misfit(candidate, shape, found: "\(entry.shape)")
            }
            guard entry.format.isFractional else { return misfit(candidate, shape, found: entry.format.rawValue) }
            if let place = places[candidate] {
                let known = given[place].parameter
                precondition(known.shape == shape, "\(candidate): asked for as \(known.shape), then as \(shape)")
                return known
            }
            let parameter = Parameter(
                name: candidate, shape: shape, storedShape: entry.shape,
                tensor: loads ? load(entry, of: file, shape: shape) : empty)
            places[candidate] = given.count
            given.append((name, parameter))
            return parameter
        }
        missing.append(name)
        return substitute(name, shape)
    }

    /// Those that were given, in the order of asking; all of them under the empty path.
    func parameters(under path: String) -> ParameterList {
        ParameterList(given.filter { path.isEmpty || $0.path.hasPrefix("\(path).") }.map(\.parameter))
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

    private func misfit(_ name: String, _ expected: [Int], found: String) -> Parameter {
        misfits.append(NetworkError.Misfit(name: name, expected: expected, found: found))
        return substitute(name, expected)
    }

    /// Stands for what could not be given: `finish()` throws before anybody computes with it.
    private func substitute(_ name: String, _ shape: [Int]) -> Parameter {
        Parameter(name: name, shape: shape, storedShape: shape, tensor: empty)
    }

    /// Stands for what is only held against the files, too.
    private var empty: Tensor { Tensor([], shape: [0], device: device) }
}
