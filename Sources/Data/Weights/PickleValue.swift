// What a pickle of weights can hold.

/// A value of a pickle. Containers and tensors are indices into the unpickler's lists, so that values that hold each
/// other in a circle, or nest a million deep, cost nothing to make or to free.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    /// Bytes, which weights have no use for.
    case bytes
    case tuple(Int)
    case list(Int)
    /// Keys and values in turn.
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .none: "None"
        case .bool: "a bool"
        case .integer: "an int"
        case .number: "a float"
        case .string: "text"
        case .bytes: "bytes"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .global: "a class"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}

/// The classes and functions that a pickle of weights may name: this is the whole list, and none of them is run.
enum PickleGlobal {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(NumberFormat)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", _):
            guard let format = NumberFormat(torchStorage: name) else { return nil }
            self = .storage(format)
        default: return nil
        }
    }
}

/// The numbers of a storage: where they begin in the file, how many, and their format.
struct PickleStorage {
    var offset: Int
    var count: Int
    var format: NumberFormat
}

/// A tensor before it has a name.
struct PickleTensor {
    var shape: [Int]
    var format: NumberFormat
    var placement: WeightEntry.Placement
}
