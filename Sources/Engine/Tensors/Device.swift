// The whole list of what a device computes. A second device implements this file and nothing else.

/// A nonlinearity, applied to each number.
public enum Activation: Sendable, Hashable {
    /// `x * sigmoid(x)`.
    case silu
    /// `x * Phi(x)` with the normal distribution's exact `Phi`.
    case gelu
    /// `x * sigmoid(1.702 x)`, as the first CLIP text encoders have it.
    case quickGelu
    /// `max(x, 0)`.
    case relu
    /// `x`, times the slope below 0 (darknet's has 0.1).
    case leakyRelu(slope: Float)
    /// `x * tanh(ln(1 + e^x))` (Misra 2019).
    case mish
    /// `1 / (1 + e^-x)`, which darknet calls logistic.
    case sigmoid
}

/// Zeros around an image, in pixels.
public struct Padding: Sendable, Hashable {
    /// Rows above.
    public var top: Int
    /// Columns before.
    public var left: Int
    /// Rows below.
    public var bottom: Int
    /// Columns after.
    public var right: Int

    /// Each side on its own.
    public init(top: Int, left: Int, bottom: Int, right: Int) {
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }

    /// The same on each side.
    public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }
}

/// What keeps tensors and computes with them.
///
/// Operations get arguments whose shapes were checked (`Tensor+Operations.swift`). Each sample of a batch is computed
/// as if it were alone: the same numbers come out whatever the batch it stands in, and however many threads work.
/// Winograd, packing, tiling and memory layout are the device's own business.
public protocol Device: AnyObject, Sendable {
    /// Kind of device and versions of its libraries: equal names give equal numbers.
    var name: String { get }

    // Memory.
    func store(_ values: [Float]) -> Storage
    func store(repeating value: Float, count: Int) -> Storage
    func store(mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable) -> Storage
    func floats(of tensor: Tensor) -> [Float]
    func concatenateSamples(_ parts: [Tensor]) -> Tensor
    /// Returns memory that no tensor uses to the system; devices keep it otherwise, for the next operation like the last.
    func releaseIdleMemory()

    // Products. Weights are as checkpoints hold them: `[out, in]` and `[out, in, height, width]`.
    // What is to be added to the result, a shortcut around the layer, saves a pass over memory when it is given along, and so does
    // an activation. The order is bias, shortcut, activation.
    func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?) -> Tensor
    func convolution(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: Activation?
    ) -> Tensor
    /// Two linear layers with a nonlinearity between them; what lies there is wide, and nobody needs it whole.
    func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) -> Tensor
    /// Softmax of the scaled products of queries and keys, per head, times the values.
    func attention(queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool) -> Tensor

    // Normalization over the channels of a group and all positions, or over the channels of each position.
    func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) -> Tensor
    func layerNormalization(_ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float) -> Tensor

    // Of the pixels in a window.
    func pool(_ x: Tensor, _ pooling: Pooling, _ window: PoolingWindow) -> Tensor

    // One number at a time.
    func apply(_ activation: Activation, to x: Tensor) -> Tensor
    func gatedGelu(_ x: Tensor) -> Tensor
    func add(_ x: Tensor, _ y: Tensor) -> Tensor
    func add(_ x: Tensor, perSample: Tensor) -> Tensor

    // Moves.
    func concatenateChannels(_ x: Tensor, _ y: Tensor) -> Tensor
    func upsampleNearest(_ x: Tensor, rows: Int, columns: Int) -> Tensor
    func embedding(_ table: Tensor, identifiers: [[Int]]) -> Tensor
}
