// Whole layers: products, attention, normalization, pooling.

import CTorch
public import Tensors

extension TorchDevice {
    /// One product, and a sum where there is a shortcut.
    public func linear(
        _ x: Tensor, weight: Tensor, bias: Tensor?, adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor {
        var (x1, weights) = unsafe (argument(x), argument(weight))
        var (bias, shortcut) = unsafe (argument(bias), argument(shortcut))
        return unsafe try make(x.shape.dropLast() + [weight.shape[0]]) { context, result in
            unsafe library.functions.linear(context, &x1, &weights, &bias, &shortcut, result)
        }
    }

    /// Channels last, as the engine keeps images.
    public func convolution(
        _ x: Tensor, weight: Tensor, bias: Tensor?, stride: Int, padding: Padding, adding shortcut: Tensor?,
        activation: Activation?
    ) throws(DeviceError) -> Tensor {
        let rows = (x.shape[1] + padding.top + padding.bottom - weight.shape[2]) / stride + 1
        let columns = (x.shape[2] + padding.left + padding.right - weight.shape[3]) / stride + 1
        var (x1, weights) = unsafe (argument(x), argument(weight))
        var (bias, shortcut) = unsafe (argument(bias), argument(shortcut))
        return unsafe try make([x.shape[0], rows, columns, weight.shape[0]]) { context, result in
            unsafe library.functions.convolution(
                context, &x1, &weights, &bias, Int64(stride), padding.torch, &shortcut, activation.torch, result)
        }
    }

    /// Three calls: GPUs have no faster way.
    public func perceptron(
        _ x: Tensor, _ expansion: LinearWeights, _ activation: PerceptronActivation, _ contraction: LinearWeights,
        adding shortcut: Tensor?
    ) throws(DeviceError) -> Tensor {
        let wide = try linear(x, weight: expansion.weight, bias: expansion.bias, adding: nil)
        return try linear(
            activation.apply(to: wide, on: self), weight: contraction.weight, bias: contraction.bias, adding: shortcut)
    }

    /// libtorch's `scaled_dot_product_attention`, which chooses the kernel: on GPUs, flash attention where it can.
    public func attention(
        queries: Tensor, keys: Tensor, values: Tensor, heads: Int, isCausal: Bool
    ) throws(DeviceError) -> Tensor {
        var (q, k, v) = unsafe (argument(queries), argument(keys), argument(values))
        return unsafe try make(queries.shape) { context, result in
            unsafe library.functions.attention(context, &q, &k, &v, Int64(heads), isCausal ? 1 : 0, result)
        }
    }

    /// In float32 inside, whatever the precision.
    public func groupNormalization(
        _ x: Tensor, groups: Int, scale: Tensor, shift: Tensor, epsilon: Float, activation: Activation?
    ) throws(DeviceError) -> Tensor {
        var (x1, scale, shift) = unsafe (argument(x), argument(scale), argument(shift))
        return unsafe try make(x.shape) { context, result in
            unsafe library.functions.group_normalization(
                context, &x1, Int64(groups), &scale, &shift, epsilon, activation.torch, result)
        }
    }

    /// In float32 inside, whatever the precision.
    public func layerNormalization(
        _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Float
    ) throws(DeviceError) -> Tensor {
        var (x1, scale, shift) = unsafe (argument(x), argument(scale), argument(shift))
        return unsafe try make(x.shape) { context, result in
            unsafe library.functions.layer_normalization(context, &x1, &scale, &shift, epsilon, result)
        }
    }

    /// Means are summed in float32.
    public func pool(_ x: Tensor, _ pooling: Pooling, _ window: PoolingWindow) throws(DeviceError) -> Tensor {
        let size = window.size(x.shape[1], x.shape[2])
        var x1 = unsafe argument(x)
        return unsafe try make([x.shape[0], size.rows, size.columns, x.channels]) { context, result in
            unsafe library.functions.pool(context, &x1, pooling.torch, window.torch, result)
        }
    }

    /// In float32 inside; places of boxes are as exact as the precision.
    public func regions(
        _ boxes: Tensor, of x: Tensor, _ sampling: RegionSampling
    ) throws(DeviceError) -> Tensor {
        var (x1, edges) = unsafe (argument(x), argument(boxes))
        let cells = torch_region_sampling(
            rows: Int64(sampling.rows), columns: Int64(sampling.columns), points: Int64(sampling.points),
            scale: sampling.scale, is_aligned: sampling.isAligned ? 1 : 0)
        return unsafe try make([boxes.shape[0], sampling.rows, sampling.columns, x.channels]) { context, result in
            unsafe library.functions.regions(context, &x1, &edges, cells, result)
        }
    }
}

extension Padding {
    fileprivate var torch: torch_padding {
        torch_padding(top: Int64(top), left: Int64(left), bottom: Int64(bottom), right: Int64(right))
    }
}

extension PoolingWindow {
    fileprivate var torch: torch_window {
        torch_window(rows: Int64(rows), columns: Int64(columns), stride: Int64(stride), padding: padding.torch)
    }
}

extension Pooling {
    fileprivate var torch: Int32 {
        switch self {
        case .greatest: Int32(torch_greatest)
        case .mean(let countsPadding): Int32(countsPadding ? torch_mean_counting_padding : torch_mean)
        }
    }
}

extension Activation? {
    /// As the table of functions names it.
    var torch: torch_activation {
        switch self {
        case nil: torch_activation(kind: Int32(torch_none), slope: 0)
        case .silu: torch_activation(kind: Int32(torch_silu), slope: 0)
        case .gelu: torch_activation(kind: Int32(torch_gelu), slope: 0)
        case .quickGelu: torch_activation(kind: Int32(torch_quick_gelu), slope: 0)
        case .relu: torch_activation(kind: Int32(torch_relu), slope: 0)
        case .leakyRelu(let slope): torch_activation(kind: Int32(torch_leaky_relu), slope: slope)
        case .mish: torch_activation(kind: Int32(torch_mish), slope: 0)
        case .sigmoid: torch_activation(kind: Int32(torch_sigmoid), slope: 0)
        }
    }
}
