// Where in a pickle the weights are.

import ErrorLines

/// Finds the tensors by name in what a pickle holds: a dictionary of them, or one within it.
///
/// Files of training frameworks hold the weights as `state_dict` beside other things; a dictionary without tensors that
/// holds one other dictionary is passed through, too.
struct StateDictionary {
    /// How many dictionaries may lie around the one with the tensors.
    private static let depthLimit = 8

    /// How many times the file's bytes the tensors may have together. Tensors may share a storage, as tied layers do; many that
    /// share a large one would take any amount of memory.
    private static let sharing = 4

    private let containers: [[PickleValue]]
    private let tensors: [PickleTensor]
    private let path: String
    /// Bytes of the file.
    private let size: Int

    init(_ unpickler: Unpickler, path: String, size: Int) {
        containers = unpickler.containers
        tensors = unpickler.tensors
        (self.path, self.size) = (path, size)
    }

    /// The tensors by name.
    func entries(of root: PickleValue) throws(WeightError) -> [String: WeightEntry] {
        guard case .dictionary(var index) = root else { throw unexpected("found \(root.kind)") }
        for _ in 0..<Self.depthLimit {
            let pairs = pairs(in: index)
            if let inner = pairs.first(where: { $0.key == "state_dict" })?.dictionary {
                index = inner
                continue
            }
            if pairs.contains(where: { $0.tensor != nil }) || pairs.isEmpty { return try entries(pairs) }
            let inner = pairs.filter { $0.dictionary.map { !containers[$0].isEmpty } ?? false }
            guard inner.count == 1, let only = inner[0].dictionary else {
                let names = inner.map { $0.key ?? "?" }
                throw unexpected(
                    names.isEmpty ? "found no tensor" : "found several dictionaries: \(WeightError.list(names))")
            }
            index = only
        }
        throw unexpected("found dictionaries more than \(Self.depthLimit) deep")
    }

    private func unexpected(_ found: String) -> WeightError {
        .unsupported(
            path, "data.pkl: expected a dictionary of tensors, or one such dictionary in it, \(found)",
            fix: "save the weights alone: torch.save(model.state_dict(), path)")
    }

    /// A dictionary's key, where it is text, and value, where that matters.
    private struct Pair {
        var key: String?
        var tensor: Int?
        var dictionary: Int?
    }

    private func pairs(in index: Int) -> [Pair] {
        let values = containers[index]
        return stride(from: 0, to: values.count - 1, by: 2).map { place in
            var pair = Pair()
            if case .string(let text) = values[place] { pair.key = text }
            if case .tensor(let tensor) = values[place + 1] { pair.tensor = tensor }
            if case .dictionary(let dictionary) = values[place + 1] { pair.dictionary = dictionary }
            return pair
        }
    }

    private func entries(_ pairs: [Pair]) throws(WeightError) -> [String: WeightEntry] {
        var found: [String: WeightEntry] = [:]
        found.reserveCapacity(pairs.count)
        var bytes = 0
        for pair in pairs {
            if let inner = pair.dictionary, !containers[inner].isEmpty {
                throw unexpected("found tensors beside the dictionary \(ErrorLine.quoted(pair.key ?? "?"))")
            }
            guard let tensor = pair.tensor.map({ tensors[$0] }) else { continue }
            let name = pair.key ?? ""
            var place: String { "data.pkl, tensor \(ErrorLine.quoted(name))" }
            guard WeightError.isPlain(name) else {
                throw .content(path, place, expected: "a name without control characters", found: "none such")
            }
            let entry = WeightEntry(
                name: name, shape: tensor.shape, format: tensor.format, placement: tensor.placement)
            guard found.updateValue(entry, forKey: name) == nil else {
                throw .content(path, place, expected: "each name once", found: "it twice")
            }
            // A tensor has no more bytes than the file, so this does not overflow.
            bytes += entry.byteCount
            guard bytes / Self.sharing <= size else {
                throw .content(
                    path, place, expected: "tensors of at most \(Self.sharing) times the file's \(size) bytes together",
                    found: "more, as they share storages", fix: "save each with numbers of its own")
            }
        }
        return found
    }
}
