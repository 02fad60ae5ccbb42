// Tensors whose numbers do not follow one another in the file.

/// Copies a strided tensor row after row.
enum Gathering {
    /// The entry's numbers in its own format, without gaps.
    static func bytes(of entry: WeightEntry, strides: [Int], in file: MappedFile) -> [UInt8] {
        guard entry.count > 0 else { return [] }
        switch entry.format.byteCount {
        case 1: return gather(UInt8.self, entry, strides, file)
        case 2: return gather(UInt16.self, entry, strides, file)
        case 4: return gather(UInt32.self, entry, strides, file)
        default: return gather(UInt64.self, entry, strides, file)
        }
    }

    private static func gather<Number: FixedWidthInteger>(
        _ number: Number.Type, _ entry: WeightEntry, _ strides: [Int], _ file: MappedFile
    ) -> [UInt8] {
        let size = MemoryLayout<Number>.size
        let reach = 1 + zip(entry.shape, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
        let source = unsafe file.view(entry.placement.offset..<entry.placement.offset + reach * size)
        let columns = entry.shape.last ?? 1
        let step = strides.last ?? 0
        return unsafe [UInt8](unsafeUninitializedCapacity: entry.byteCount) { bytes, initialized in
            var written = 0
            forEachRow(shape: entry.shape.dropLast(), strides: strides.dropLast()) { first in
                for column in 0..<columns {
                    let value = unsafe source.loadUnaligned(
                        fromByteOffset: (first + column * step) * size, as: Number.self)
                    unsafe UnsafeMutableRawBufferPointer(bytes).storeBytes(
                        of: value, toByteOffset: written, as: Number.self)
                    written += size
                }
            }
            initialized = written
        }
    }

    /// Calls `body` with the place of each row's first number, the last of `shape` moving fastest.
    private static func forEachRow(shape: ArraySlice<Int>, strides: ArraySlice<Int>, _ body: (Int) -> Void) {
        let (shape, strides) = (Array(shape), Array(strides))
        var index = [Int](repeating: 0, count: shape.count)
        var place = 0
        while true {
            body(place)
            var axis = shape.count - 1
            while axis >= 0 {
                index[axis] += 1
                place += strides[axis]
                if index[axis] < shape[axis] { break }
                place -= strides[axis] * shape[axis]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
