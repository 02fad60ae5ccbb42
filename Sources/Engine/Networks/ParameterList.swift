// The weights of a network by name.

public import Tensors

/// A network's parameters in the order in which it was built, which is the same at each run.
public struct ParameterList: Sendable, RandomAccessCollection {
    private let all: [Parameter]
    private let places: [String: Int]

    /// Names must be unique.
    init(_ parameters: [Parameter]) {
        all = parameters
        places = Dictionary(uniqueKeysWithValues: parameters.enumerated().map { ($1.name, $0) })
    }

    /// The place of the first parameter, 0.
    public var startIndex: Int { all.startIndex }
    /// One past the place of the last.
    public var endIndex: Int { all.endIndex }
    /// The parameter at a place.
    public subscript(position: Int) -> Parameter { all[position] }

    /// The parameter with this name in the checkpoint.
    public subscript(name: String) -> Parameter? { places[name].map { all[$0] } }

    /// Grows when one of them is replaced.
    public var version: Int { all.reduce(0) { $0 + $1.version } }

    /// Replaces one parameter's tensor; see ``Parameter`` for what happens to computations that run meanwhile.
    ///
    /// - Throws: ``ParameterError`` for a name that the network does not have, or a tensor that does not fit; nothing was replaced.
    public func replace(_ name: String, with tensor: Tensor) throws(ParameterError) {
        guard let parameter = self[name] else { throw .unknown(name: name, count: count) }
        try parameter.replace(with: tensor)
    }
}

/// A network whose weights can be listed and replaced, as training does.
public protocol ParameterizedNetwork: Sendable {
    /// All weights that it computes with.
    var parameters: ParameterList { get }
}
