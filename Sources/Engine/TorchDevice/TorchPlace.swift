// Which device of libtorch computes, and with which numbers.

/// A device that libtorch knows.
public enum TorchPlace: Sendable, Hashable {
    /// This host's processor.
    case processor
    /// A GPU, by its place among those that CUDA shows.
    case gpu(Int)

    /// As the table of functions numbers it.
    var number: Int32 {
        switch self {
        case .processor: -1
        case .gpu(let index): Int32(index)
        }
    }
}

/// How a device keeps numbers: weights and everything between two layers. The solver and the noise are float32 everywhere.
public enum TorchPrecision: String, Sendable, Hashable, CaseIterable {
    case float32
    /// 8 bits of a mantissa, float32's range.
    case bfloat16
    /// 11 bits of a mantissa, up to 65,504.
    case float16

    /// Bytes of a number.
    var bytes: Int { self == .float32 ? 4 : 2 }

    /// As the table of functions numbers it.
    var number: Int32 {
        switch self {
        case .float32: 0
        case .bfloat16: 1
        case .float16: 2
        }
    }
}
