// Activations as the kernels know them.

import CKernels
import Tensors

extension Activation {
    /// The function and its numbers.
    var kernel: kernels_activation {
        switch self {
        case .silu: kernels_activation(function: KERNELS_SILU, slope: 0)
        case .gelu: kernels_activation(function: KERNELS_GELU, slope: 0)
        case .quickGelu: kernels_activation(function: KERNELS_QUICK_GELU, slope: 0)
        case .relu: kernels_activation(function: KERNELS_RELU, slope: 0)
        case .leakyRelu(let slope): kernels_activation(function: KERNELS_LEAKY_RELU, slope: slope)
        case .mish: kernels_activation(function: KERNELS_MISH, slope: 0)
        case .sigmoid: kernels_activation(function: KERNELS_SIGMOID, slope: 0)
        }
    }
}

extension kernels_activation {
    /// Leaves numbers as they are.
    static var none: kernels_activation { kernels_activation(function: KERNELS_IDENTITY, slope: 0) }

    var isNone: Bool { function == KERNELS_IDENTITY }
}
