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
    private let device: (any Device)?
    private var used: Set<String> = []
    private var given: [(path: String, parameter: Parameter)] = []
    private var places: [String: Int] = [:]
    private var missing: [String] = []
    private var misfits: [NetworkError.Misfit] = []
    /// Why a tensor could not be put onto the device: the first one's reason.
    private(set) var failure: DeviceError?

    init(weights: WeightSet, part: String, naming: WeightNaming, device: (any Device)?) {
        self.weights = weights
        self.part = part
        self.naming = naming
        self.device = device
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
                tensor: device.map { load(entry, of: file, shape: shape, onto: $0) } ?? .unloaded)
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

    private func load(_ entry: WeightEntry, of file: WeightFile, shape: [Int], onto device: any Device) -> Tensor {
        let tensor =
            file.mappedFloats(of: entry).map { Tensor(mapping: $0, shape: shape, owner: file, device: device) }
            ?? Tensor(file.floats(of: entry), shape: shape, device: device)
        failure = failure ?? tensor.failure
        return tensor
    }

    private func misfit(_ name: String, _ expected: [Int], found: String) -> Parameter {
        misfits.append(NetworkError.Misfit(name: name, expected: expected, found: found))
        return substitute(name, expected)
    }

    /// Stands for what could not be given: `finish()` throws before anybody computes with it.
    private func substitute(_ name: String, _ shape: [Int]) -> Parameter {
        Parameter(name: name, shape: shape, storedShape: shape, tensor: .unloaded)
    }
}
