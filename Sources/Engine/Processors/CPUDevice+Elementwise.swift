// Operations on one number or one position at a time, and moves.

import CKernels
public import Tensors

extension CPUDevice {
    /// Numbers of a piece: 128 KB, a loop of some ten microseconds.
    private static let pieceNumbers = 32768

    /// Positions of about one piece.
    private static func piecePositions(_ channels: Int) -> Int { max(1, pieceNumbers / max(channels, 1)) }

    /// One pass over memory, in pieces of 128 KB.
    public func apply(_ activation: Activation, to x: Tensor) throws(DeviceError) -> Tensor {
        let source = unsafe try read(x)
        return unsafe try make(x.shape) { result in unsafe apply(activation, source, result, count: x.count) }
    }

    /// `y` may be `x`.
    func apply(_ activation: Activation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int) {
        forEachPiece(of: count, size: Self.pieceNumbers) { start, count in
            unsafe Self.apply(activation, x + start, y + start, count)
        }
    }

    /// On the calling thread.
    static func apply(
        _ activation: Activation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        unsafe kernels_activate(activation.kernel, x, count, y, count, 1, count)
    }

    /// One pass over both halves.
    public func gatedGelu(_ x: Tensor) throws(DeviceError) -> Tensor {
        let channels = x.channels / 2
        let source = unsafe try read(x)
        return unsafe try make(x.shape.dropLast() + [channels]) { result in
            forEachPiece(of: x.count / (2 * channels), size: Self.piecePositions(2 * channels)) { start, rows in
                unsafe kernels_gated_gelu(
                    source + 2 * start * channels, 2 * channels, result + start * channels, channels, rows, channels)
            }
        }
    }

    /// One pass, in pieces of 128 KB.
    public func add(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        let (a, b) = unsafe (try read(x), try read(y))
        return unsafe try make(x.shape) { result in
            forEachPiece(of: x.count, size: Self.pieceNumbers) { start, count in
                unsafe kernels_add(a + start, b + start, result + start, count)
            }
        }
    }

    /// One pass; each sample has its own row.
    public func add(_ x: Tensor, perImage: Tensor) throws(DeviceError) -> Tensor {
        let channels = x.channels
        let positions = x.count / max(x.shape[0] * channels, 1)
        let (source, rows) = unsafe (try read(x), try read(perImage))
        let size = Self.piecePositions(channels)
        let pieces = (positions + size - 1) / size
        return unsafe try make(x.shape) { result in
            loop.run(x.shape[0] * pieces) { item, _ in
                let (sample, start) = (item / pieces, item % pieces * size)
                let first = (sample * positions + start) * channels
                unsafe kernels_add_row(
                    source + first, rows + sample * channels, result + first, min(size, positions - start), channels)
            }
        }
    }

    /// Copies position by position.
    public func concatenateChannels(_ x: Tensor, _ y: Tensor) throws(DeviceError) -> Tensor {
        let (first, second) = (x.channels, y.channels)
        let (a, b) = unsafe (try read(x), try read(y))
        return unsafe try make(x.shape.dropLast() + [first + second]) { result in
            forEachPiece(of: x.count / first, size: Self.piecePositions(first + second)) { start, rows in
                for row in start..<start + rows {
                    let to = unsafe result + row * (first + second)
                    unsafe to.update(from: a + row * first, count: first)
                    unsafe (to + first).update(from: b + row * second, count: second)
                }
            }
        }
    }

    /// One pass over what is kept.
    public func channels(_ range: Range<Int>, of x: Tensor) throws(DeviceError) -> Tensor {
        let (all, kept) = (x.channels, range.count)
        let source = unsafe try read(x)
        return unsafe try make(x.shape.dropLast() + [kept]) { result in
            forEachPiece(of: x.count / all, size: Self.piecePositions(kept)) { start, rows in
                for row in start..<start + rows {
                    unsafe (result + row * kept).update(from: source + row * all + range.lowerBound, count: kept)
                }
            }
        }
    }

    /// Copies part by part.
    public func concatenateBatches(_ parts: [Tensor]) throws(DeviceError) -> Tensor {
        let samples = parts.reduce(0) { $0 + $1.shape[0] }
        let shape = [samples] + parts[0].shape.dropFirst()
        if let panels = jointPanels(parts) {
            return unsafe try makePanels(shape, panels) { result throws(DeviceError) in
                var to = unsafe result
                for part in parts {
                    unsafe try withPanels(part, panels.with(samples: part.shape[0])) { part in
                        unsafe to.update(from: part.base, count: part.shape.count)
                        unsafe to += part.shape.count
                    }
                }
            }
        }
        return unsafe try make(shape) { result throws(DeviceError) in
            var to = unsafe result
            for part in parts {
                unsafe try to.update(from: read(part), count: part.count)
                unsafe to += part.count
            }
        }
    }

    /// Copies the pixel that each output pixel shows.
    public func upsampleNearest(_ x: Tensor, rows: Int, columns: Int) throws(DeviceError) -> Tensor {
        let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
        let source = unsafe try read(x)
        return unsafe try make([x.shape[0], rows, columns, channels]) { result in
            loop.run(x.shape[0] * rows) { item, _ in
                let (sample, row) = (item / rows, item % rows)
                let from = unsafe source + (sample * height + row * height / rows) * width * channels
                let to = unsafe result + item * columns * channels
                for column in 0..<columns {
                    unsafe (to + column * channels).update(
                        from: from + column * width / columns * channels, count: channels)
                }
            }
        }
    }

    /// Copies the row of each identifier.
    public func embedding(_ table: Tensor, identifiers: [[Int]]) throws(DeviceError) -> Tensor {
        let channels = table.channels
        let source = unsafe try read(table)
        return unsafe try make([identifiers.count, identifiers[0].count, channels]) { result in
            for (position, identifier) in identifiers.joined().enumerated() {
                unsafe (result + position * channels).update(from: source + identifier * channels, count: channels)
            }
        }
    }
}
