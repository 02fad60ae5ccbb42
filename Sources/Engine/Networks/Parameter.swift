// One weight of a network: a name, and a tensor that can be replaced.

import Synchronization
public import Tensors

/// A weight that a layer computes with, under the name that it has in the checkpoint.
///
/// Layers may be called from several threads at once, and read the tensor under a lock (17 ns more than reading a constant, of
/// which a layer reads two). Replacing it is safe at any time, but a computation that runs meanwhile takes each weight as it finds
/// it, old or new: replace between computations. What was computed before, such as the keys and values of a text, stays as it was.
///
/// The new tensor has separate storage, so whatever a device derives from a storage follows; the processor's device derives its
/// packed and transformed weights anew in each call.
public final class Parameter: Sendable {
    /// The whole name in the file, for example `down_blocks.0.resnets.1.conv1.weight`.
    public let name: String
    /// The shape that the network computes with.
    public let shape: [Int]
    /// The shape in the file, which may be another one of the same count: `[out, in, 1, 1]` where the network has `[out, in]`.
    public let storedShape: [Int]
    private let current: Mutex<Tensor>
    private let replacements = Atomic<Int>(0)

    /// The tensor is empty where a network is only held against the headers of its files.
    init(name: String, shape: [Int], storedShape: [Int], tensor: Tensor) {
        self.name = name
        self.shape = shape
        self.storedShape = storedShape
        current = Mutex(tensor)
    }

    /// The tensor, of shape ``shape``.
    public var tensor: Tensor { current.withLock { $0 } }

    /// How often it was replaced.
    public var version: Int { replacements.load(ordering: .acquiring) }

    /// Takes another tensor of ``shape`` or ``storedShape`` from the next call of the layer on.
    ///
    /// - Throws: ``ParameterError`` for a tensor of another shape or another device; the old one stays.
    public func replace(with tensor: Tensor) throws(ParameterError) {
        guard tensor.shape == shape || tensor.shape == storedShape else {
            throw .shape(name: name, expected: shape, found: tensor.shape)
        }
        guard tensor.device === self.tensor.device else { throw .device(name: name) }
        current.withLock { $0 = tensor.reshaped(shape) }
        replacements.add(1, ordering: .releasing)
    }
}

/// Why a parameter was not replaced.
public enum ParameterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The network has none of this name; it has so many others.
    case unknown(name: String, count: Int)
    /// The tensor's shape is not the parameter's.
    case shape(name: String, expected: [Int], found: [Int])
    /// The tensor lies on another device than the network.
    case device(name: String)

    /// One line.
    public var description: String {
        switch self {
        case .unknown(let name, let count):
            "parameter \(name): expected one of the network's \(count) parameters, found no such name; take names from its list"
        case .shape(let name, let expected, let found):
            "parameter \(name): expected shape \(expected), found \(found)"
        case .device(let name):
            "parameter \(name): expected a tensor on the network's device, found one on another; make it on the device of the "
                + "parameter's tensor"
        }
    }
}
