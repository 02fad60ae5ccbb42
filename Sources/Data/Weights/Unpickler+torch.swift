// What a pickle of weights may build: dictionaries, storages and tensors.

import ErrorLines

extension Unpickler {
    mutating func pushGlobal(module: String, name: String) throws(WeightError) {
        guard let global = PickleGlobal(module: module, name: name) else {
            throw .unsupported(
                reader.path,
                "data.pkl names \(ErrorLine.quoted(module + "." + name)), expected plain tensors only (nothing was run)",
                fix: "save the weights alone: torch.save(model.state_dict(), path), or write safetensors")
        }
        try push(.global(global))
    }

    /// Calls what stands on the stack, as far as it is one of ours.
    mutating func reduce() throws(WeightError) {
        let (arguments, callee) = (try pop(), try pop())
        guard case .global(let global) = callee, case .tuple(let index) = arguments else {
            throw failure(expected: "a class and a tuple", found: "\(callee.kind) and \(arguments.kind)")
        }
        let values = containers[index]
        switch global {
        case .orderedDictionary:
            guard values.isEmpty else {
                throw failure(expected: "an empty OrderedDict to fill", found: "\(values.count) arguments")
            }
            try push(.dictionary(container([])))
        case .rebuildTensor: try push(rebuildTensor(values))
        case .rebuildParameter:
            guard let value = values.first, case .tensor = value else {
                throw failure(expected: "a parameter's tensor", found: values.first?.kind ?? "nothing")
            }
            try push(value)
        case .storage: throw failure(expected: "a storage in the zip", found: "a storage class that is called")
        }
    }

    /// Attributes of an ordered dictionary (`_metadata`), which weights have no use for.
    mutating func build() throws(WeightError) {
        _ = try pop()
        guard case .dictionary = try top() else {
            throw failure(expected: "a dictionary that gets attributes", found: try top().kind)
        }
    }

    /// A persistent id: ('storage', class, key, device, count).
    mutating func loadStorage() throws(WeightError) {
        let identity = try pop()
        guard case .tuple(let index) = identity, containers[index].count == 5,
            case .string("storage") = containers[index][0], case .global(.storage(let format)) = containers[index][1],
            case .string(let key) = containers[index][2], case .integer(let count) = containers[index][4]
        else {
            throw failure(expected: "('storage', class, key, device, count)", found: identity.kind)
        }
        let offset = try reader.storage(key, count: count, format: format)
        storages.append(PickleStorage(offset: offset, count: count, format: format))
        try push(.storage(storages.count - 1))
    }

    /// The arguments of `_rebuild_tensor_v2`: storage, its first number, shape, strides, and more that does not matter.
    private mutating func rebuildTensor(_ values: [PickleValue]) throws(WeightError) -> PickleValue {
        guard values.count >= 4, case .storage(let index) = values[0], case .integer(let first) = values[1],
            let shape = integers(values[2]), let strides = integers(values[3]), shape.count == strides.count
        else {
            throw failure(
                expected: "a tensor's storage, offset, shape and strides",
                found: values.prefix(4).map(\.kind).joined(separator: ", "))
        }
        let storage = storages[index]
        guard let count = WeightEntry.count(of: shape, format: storage.format), first >= 0,
            let reach = Self.reach(shape: shape, strides: strides), count == 0 || reach <= storage.count - first,
            count <= storage.count
        else {
            throw failure(
                expected: "a tensor within its storage of \(storage.count) numbers, none of them twice",
                found: "shape \(WeightError.list(shape)), strides \(WeightError.list(strides)), first \(first)")
        }
        let isDense = count == 0 || Self.isDense(shape: shape, strides: strides)
        // An empty tensor has no bytes: they are where its storage is.
        let offset = storage.offset + (count == 0 ? 0 : first * storage.format.byteCount)
        // The stride of a dimension of one may be anything.
        let steps = zip(shape, strides).map { $0 == 1 ? 0 : $1 }
        let placement = WeightEntry.Placement(offset: offset, strides: isDense ? nil : steps)
        tensors.append(PickleTensor(shape: shape, format: storage.format, placement: placement))
        return .tensor(tensors.count - 1)
    }

    /// A tuple of at most as many integers as a tensor has dimensions, from 0 up.
    private func integers(_ value: PickleValue) -> [Int]? {
        guard case .tuple(let index) = value, containers[index].count <= WeightEntry.rankLimit else { return nil }
        var found: [Int] = []
        for element in containers[index] {
            guard case .integer(let number) = element, number >= 0 else { return nil }
            found.append(number)
        }
        return found
    }

    /// How many numbers lie from the tensor's first to its last; nil where that does not fit an `Int`.
    private static func reach(shape: [Int], strides: [Int]) -> Int? {
        var reach = 1
        for (size, stride) in zip(shape, strides) where size > 1 {
            let (distance, overflows) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, carries) = reach.addingReportingOverflow(distance)
            guard !overflows && !carries else { return nil }
            reach = sum
        }
        return reach
    }

    private static func isDense(shape: [Int], strides: [Int]) -> Bool {
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            guard stride == expected else { return false }
            expected *= size
        }
        return true
    }
}
