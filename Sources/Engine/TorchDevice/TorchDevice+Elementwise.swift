// One number at a time, and moves.

import CTorch
public import Tensors

extension TorchDevice {
    /// One pass.
    public func apply(_ activation: Activation, to x: Tensor) throws(DeviceError) -> Tensor {
        var argument = unsafe argument(x)
        return unsafe try make(x.shape) { context, result in
            unsafe library.functions.activate(context, &argument, Optional(activation).torch, result)
        }
    }

    /// Two passes.
    public func gatedGelu(_ x: Tensor) throws(DeviceError) -> Tensor {
        var argument = unsafe argument(x)
        return unsafe try make(x.shape.dropLast() + [x.channels / 2]) { context, result in
            unsafe library.functions.gated_gelu(context, &argument, result)
        }
    }

    /// One pass.
    public func add(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        var (a, b) = unsafe (argument(x), argument(y))
        return unsafe try make(x.shape) { context, result in
            unsafe library.functions.add(context, &a, &b, result)
        }
    }

    /// One pass; each image has its own row.
    public func add(_ x: Tensor, perImage: Tensor) throws(DeviceError) -> Tensor {
        var (a, b) = unsafe (argument(x), argument(perImage))
        return unsafe try make(x.shape) { context, result in
            unsafe library.functions.add_per_image(context, &a, &b, result)
        }
    }

    /// One pass.
    public func concatenateChannels(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        var (a, b) = unsafe (argument(x), argument(y))
        return unsafe try make(x.shape.dropLast() + [x.channels + y.channels]) { context, result in
            unsafe library.functions.concatenate_channels(context, &a, &b, result)
        }
    }

    /// One pass over what is kept.
    public func channels(_ range: Range<Int>, of x: Tensor) throws(DeviceError) -> Tensor {
        var argument = unsafe argument(x)
        return unsafe try make(x.shape.dropLast() + [range.count]) { context, result in
            unsafe library.functions.channels(
                context, &argument, Int64(range.lowerBound), Int64(range.count), result)
        }
    }

    /// One pass.
    public func concatenateBatches(_ parts: [Tensor]) throws(DeviceError) -> Tensor {
        let arguments = unsafe parts.map { unsafe argument($0) }
        let shape = [parts.reduce(0) { $0 + $1.shape[0] }] + parts[0].shape.dropFirst()
        return unsafe try make(shape) { context, result in
            unsafe arguments.withUnsafeBufferPointer { parts in
                unsafe library.functions.concatenate(context, parts.baseAddress, Int32(parts.count), result)
            }
        }
    }

    /// One pass where both sides double, else one for each side.
    public func upsampleNearest(_ x: Tensor, rows: Int, columns: Int) throws(DeviceError) -> Tensor {
        var argument = unsafe argument(x)
        return unsafe try make([x.shape[0], rows, columns, x.channels]) { context, result in
            unsafe library.functions.upsample_nearest(context, &argument, Int64(rows), Int64(columns), result)
        }
    }

    /// Copies the row of each identifier.
    public func embedding(_ table: Tensor, identifiers: [[Int]]) throws(DeviceError) -> Tensor {
        var argument = unsafe argument(table)
        let all = identifiers.flatMap { $0.map(Int64.init) }
        return unsafe try make([identifiers.count, identifiers[0].count, table.channels]) { context, result in
            unsafe all.withUnsafeBufferPointer { all in
                unsafe library.functions.embedding(context, &argument, all.baseAddress, Int64(all.count), result)
            }
        }
    }
}
