// The whole list of what a device computes, and what it says of itself. A second device implements this file and nothing else.

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
/// Operations get arguments whose shapes were checked and which hold numbers (`Tensor+Operations.swift`), and return a tensor
/// of the shape written there. Each image of a batch is computed as if it were alone; where the device says that it is
/// reproducible, the same bytes come out whatever the batch and however many threads work. Winograd, packing, tiling,
/// number format and memory layout are the device's own business.
///
/// An operation that throws marks its result: `Tensor` carries the error from one operation to the next, and reading the
/// numbers throws it. A device that computes later than it is told to may also throw then.
public protocol Device: AnyObject, Sendable {
    /// What it is and likes.
    var facts: DeviceFacts { get }
    /// Bytes that are left now for more tensors.
    var freeBytes: Int { get }

    // Memory.
    func store(_ values: [Float]) throws(DeviceError) -> Storage
    func store(repeating value: Float, count: Int) throws(DeviceError) -> Storage
    func store(
        mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable
    ) throws(DeviceError) -> Storage
    func floats(of tensor: Tensor) throws(DeviceError) -> [Float]
    func concatenateBatches(_ parts: [Tensor]) throws(DeviceError) -> Tensor
    /// Returns memory that no tensor uses to the system; devices keep it otherwise, for the next operation like the last.
    func releaseIdleMemory()

    // Products. Weights are as checkpoints hold them: `[out, in]` and `[out, in, height, width]`.
    // What is to be added to the result, a shortcut around the layer, saves a pass over memory when it is given along, and so does
    // an activation. The order is bias, shortcut, activation.
    func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor
    func convolution(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: Activation?
    ) throws(DeviceError) -> Tensor
    /// Two linear layers with a nonlinearity between them; what lies there is wide, and nobody needs it whole.
    func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor
    /// Softmax of the scaled products of queries and keys, per head, times the values.
    func attention(
        queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool
    ) throws(DeviceError) -> Tensor

    // Normalization over the channels of a group and all positions, or over the channels of each position.
    func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) throws(DeviceError) -> Tensor
    func layerNormalization(
        _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float
    ) throws(DeviceError) -> Tensor

    // Of the pixels in a window.
    func pool(_ x: Tensor, _ pooling: Pooling, _ window: PoolingWindow) throws(DeviceError) -> Tensor

    // Of the pixels that a box sees. Features `[1, rows, columns, channels]`; boxes `[n, 4]`: left, top, right, bottom.
    func regions(_ boxes: Tensor, of x: Tensor, _ sampling: RegionSampling) throws(DeviceError) -> Tensor

    // One number at a time.
    func apply(_ activation: Activation, to x: Tensor) throws(DeviceError) -> Tensor
    func gatedGelu(_ x: Tensor) throws(DeviceError) -> Tensor
    func add(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor
    func add(_ x: Tensor, perImage: Tensor) throws(DeviceError) -> Tensor

    // Moves.
    func concatenateChannels(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor
    func channels(_ range: Range<Int>, of x: Tensor) throws(DeviceError) -> Tensor
    func upsampleNearest(_ x: Tensor, rows: Int, columns: Int) throws(DeviceError) -> Tensor
    func embedding(_ table: Tensor, identifiers: [[Int]]) throws(DeviceError) -> Tensor

    // Repetition, for devices that take longer to be told than to compute. Both may be left to their defaults, which do nothing.
    /// The result of a computation that was written down; nil for any other.
    func replay(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> Tensor?
    /// Begins to write one down; nil where this is not wanted.
    func record(_ key: ReplayKey, _ inputs: [Tensor]) throws(DeviceError) -> (any DeviceRecording)?
}
