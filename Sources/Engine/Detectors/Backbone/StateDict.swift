// A detector's weights by name, from a file that torch or safetensors wrote.

import Tensors
import Weights

/// A place in the names of a state dict: `weights / "backbone" / "body"`.
///
/// What a network's size is, the shapes of its tensors say; so a dimension that may be any is expected as `nil`. Belongs to
/// the one thread that builds a network; end with ``finish()``.
struct StateDict {
    /// A tensor's numbers on the host.
    struct Values {
        var shape: [Int]
        var floats: [Float]
    }

    /// What all places of one file share.
    private final class Ledger {
        let file: WeightFile
        let owner: String
        let device: any Device
        var used: Set<String> = []

        init(file: WeightFile, owner: String, device: any Device) {
            (self.file, self.owner, self.device) = (file, owner, device)
        }
    }

    /// The names on the way here, joined by dots.
    private let path: String
    private let ledger: Ledger

    /// Where the weights are computed with.
    var device: any Device { ledger.device }

    /// Opens a file and reads its header.
    ///
    /// - Parameter owner: whose state dict is expected, for messages.
    init(path file: String, owner: String, device: any Device) throws(DetectorError) {
        do {
            ledger = Ledger(file: try WeightFile(path: file), owner: owner, device: device)
        } catch {
            throw DetectorError(error.code == .file ? .file : .content, error.description)
        }
        path = ""
    }

    private init(path: String, ledger: Ledger) { (self.path, self.ledger) = (path, ledger) }

    static func / (place: StateDict, name: String) -> StateDict {
        StateDict(path: place.name(name), ledger: place.ledger)
    }

    static func / (place: StateDict, index: Int) -> StateDict { place / "\(index)" }

    /// Whether the tensor is there.
    func has(_ name: String) -> Bool { ledger.file.entries[self.name(name)] != nil }

    /// How many places of a list hold the tensor `name`: those at 0, `step`, ...
    func count(of name: String, step: Int = 1) -> Int {
        var count = 0
        while has("\(count * step).\(name)") { count += 1 }
        return count
    }

    /// A tensor where the device computes with it; in the file's own memory where that can be.
    func tensor(_ name: String, _ expected: [Int?]) throws(DetectorError) -> Tensor {
        let entry = try entry(name, expected)
        guard let mapped = ledger.file.mappedFloats(of: entry) else {
            let values = try values(name, expected)
            return Tensor(values.floats, shape: values.shape, device: device)
        }
        guard UnsafeBufferPointer(start: mapped, count: entry.count).allSatisfy(\.isFinite) else {
            throw notFinite(name)
        }
        return Tensor(mapping: mapped, shape: entry.shape, owner: ledger.file, device: device)
    }

    /// A tensor's numbers, to be changed before anything is computed with them.
    func values(_ name: String, _ expected: [Int?]) throws(DetectorError) -> Values {
        let entry = try entry(name, expected)
        let floats = ledger.file.floats(of: entry)
        guard floats.allSatisfy(\.isFinite) else { throw notFinite(name) }
        return Values(shape: entry.shape, floats: floats)
    }

    /// Why this place's tensor cannot be used.
    func error(_ name: String, expected: String, found: String, fix: String? = nil) -> DetectorError {
        DetectorError(
            .content,
            "\(ledger.file.path): tensor \(self.name(name)): expected \(expected), found \(found); "
                + (fix ?? "give the state dict of \(ledger.owner)"))
    }

    /// Ends the reading: the file has no tensor that the network does not compute with, and gave all that was read of it.
    func finish() throws(DetectorError) {
        let rest = ledger.file.entries.keys.filter {
            // Counted while training; no network computes with it.
            !ledger.used.contains($0) && !$0.hasSuffix(".num_batches_tracked")
        }.sorted()
        if let first = rest.first {
            let others = rest.count > 1 ? " and \(rest.count - 1) more" : ""
            throw StateDict(path: "", ledger: ledger).error(
                first, expected: "only tensors that the network has", found: "this one\(others) besides")
        }
        do {
            try ledger.file.requireReadable()
        } catch {
            throw DetectorError(.file, error.description)
        }
    }

    private func name(_ last: String) -> String { path.isEmpty ? last : "\(path).\(last)" }

    /// The most that a dimension which the file chooses may have: a network's outputs have as many channels, whatever its
    /// weights take. Published ones have 2,048.
    private static let most = 8192

    private func entry(_ name: String, _ expected: [Int?]) throws(DetectorError) -> WeightEntry {
        let shape = "[" + expected.map { $0.map(String.init) ?? "any" }.joined(separator: ", ") + "]"
        guard let entry = ledger.file.entries[self.name(name)] else {
            throw error(name, expected: shape, found: "no such tensor")
        }
        ledger.used.insert(entry.name)
        guard entry.shape.count == expected.count, zip(entry.shape, expected).allSatisfy({ $1 ?? max($0, 1) == $0 })
        else {
            throw error(name, expected: shape, found: "\(entry.shape)")
        }
        guard zip(entry.shape, expected).allSatisfy({ $1 != nil || $0 <= Self.most }) else {
            throw error(name, expected: "at most \(Self.most) where any number is allowed", found: "\(entry.shape)")
        }
        guard entry.format.isFractional else {
            throw error(name, expected: "fractional numbers", found: entry.format.rawValue)
        }
        return entry
    }

    private func notFinite(_ name: String) -> DetectorError {
        error(name, expected: "finite numbers", found: "others", fix: "download the file again")
    }
}
