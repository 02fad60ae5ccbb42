// Pickles for tests, operation by operation.

/// Appends operations of protocol 2; what it builds need not make sense.
struct PickleBuilder {
    var bytes: [UInt8] = [0x80, 2]

    /// A dictionary of one tensor "t" in storage "0".
    static func tensor(
        storage: String = "FloatStorage", count: Int = 6, first: Int = 0, shape: [Int] = [2, 3],
        strides: [Int] = [3, 1],
        name: String = "t"
    ) -> [UInt8] {
        var pickle = PickleBuilder()
        pickle.bytes += [0x7D]
        pickle.text(name)
        pickle.tensorValue(storage: storage, count: count, first: first, shape: shape, strides: strides)
        pickle.bytes += [0x73, 0x2E]
        return pickle.bytes
    }

    /// A call of `_rebuild_tensor_v2`.
    mutating func tensorValue(
        storage: String = "FloatStorage", key: String = "0", count: Int = 6, first: Int = 0, shape: [Int] = [2, 3],
        strides: [Int] = [3, 1]
    ) {
        global("torch._utils", "_rebuild_tensor_v2")
        bytes += [0x28, 0x28]
        text("storage")
        global("torch", storage)
        text(key)
        text("cpu")
        integer(count)
        bytes += [0x74, 0x51]
        integer(first)
        tuple(shape)
        tuple(strides)
        bytes += [0x89]
        global("collections", "OrderedDict")
        bytes += [0x29, 0x52, 0x74, 0x52]
    }

    mutating func text(_ text: String) {
        bytes += [0x58] + StoredZipBuilder.little(text.utf8.count, 4) + Array(text.utf8)
    }

    mutating func global(_ module: String, _ name: String) {
        bytes += [0x63] + Array("\(module)\n\(name)\n".utf8)
    }

    mutating func integer(_ value: Int) {
        bytes += [0x8A, 8] + StoredZipBuilder.little(value, 8)
    }

    mutating func tuple(_ values: [Int]) {
        bytes.append(0x28)
        for value in values { integer(value) }
        bytes.append(0x74)
    }
}
