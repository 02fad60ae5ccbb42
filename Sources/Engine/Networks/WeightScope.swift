// Weights by name, as a network is built: names grow with the network's own structure.

public import Tensors
public import Weights

/// A place in a network's names: `weights / "down_blocks" / 0 / "resnets"`.
///
/// Build the whole network from the root, then call ``finish()`` before the first computation: tensors that are missing
/// or do not fit are only written down while building, so that one error can list them all.
public struct WeightScope {
    /// The names on the way here, joined by dots; empty at the root.
    public let path: String
    private let ledger: WeightLedger

    /// The root of the names in `weights`.
    ///
    /// - Parameters:
    ///   - part: what is being loaded, for errors, for example `unet`.
    ///   - device: where the tensors go; with `nil` none is read, and a network is only held against the headers of its
    ///     files.
    public init(
        _ weights: WeightSet, part: String, naming: WeightNaming = WeightNaming(), device: (any Device)?
    ) {
        path = ""
        ledger = WeightLedger(weights: weights, part: part, naming: naming, device: device)
    }

    private init(path: String, ledger: WeightLedger) {
        self.path = path
        self.ledger = ledger
    }

    /// The place `name` under `scope`.
    public static func / (scope: WeightScope, name: String) -> WeightScope {
        WeightScope(path: scope.path.isEmpty ? name : "\(scope.path).\(name)", ledger: scope.ledger)
    }

    /// The place of the list's element `index` under `scope`.
    public static func / (scope: WeightScope, index: Int) -> WeightScope { scope / "\(index)" }

    /// The parameter `name` of this place, float32, on the device: mapped where the file holds aligned float32, else
    /// converted once. Asked for again, it is the same one.
    ///
    /// Where the file has no such tensor, ``finish()`` throws before anybody computes with the result.
    ///
    /// - Parameter stored: another shape of the same count that files may have instead, such as a 1x1 convolution's.
    public func parameter(_ name: String, shape: [Int], orStoredAs stored: [Int]? = nil) -> Parameter {
        ledger.parameter((self / name).path, shape: shape, stored: stored)
    }

    /// Why a tensor could not be put onto the device; the first one's reason, when all have been asked for.
    public var failure: DeviceError? { ledger.failure }

    /// All parameters of this place and the places under it that were asked for so far, in the order of asking: at the end of a
    /// network's `init`, those of the network.
    public var parameters: ParameterList { ledger.parameters(under: path) }

    /// Ends the building of a network; call it once, on any of its scopes.
    ///
    /// Throws one error that lists all tensors that are missing, unexpected or of another shape.
    public func finish() throws(NetworkError) { try ledger.finish() }
}
