// Numbers of every format to float32, bit for bit as torch converts them.

/// Conversion loops over unaligned bytes; plain enough to be vectorized.
enum FloatConversion {
    /// Converts `count` numbers of `format` at `source`.
    static func convert(
        _ source: UnsafeRawPointer, _ format: NumberFormat, into target: UnsafeMutablePointer<Float>, count: Int
    ) {
        switch format {
        case .float32: unsafe UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 4 * count)
        case .float16: unsafe each(source, target, count, float(half:))
        case .bfloat16: unsafe each(source, target, count, float(brain:))
        case .float64: unsafe each(source, target, count) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
        case .int64: unsafe each(source, target, count) { (number: Int64) in Float(number) }
        case .int32: unsafe each(source, target, count) { (number: Int32) in Float(number) }
        case .int16: unsafe each(source, target, count) { (number: Int16) in Float(number) }
        case .int8: unsafe each(source, target, count) { (number: Int8) in Float(number) }
        case .uint8: unsafe each(source, target, count) { (number: UInt8) in Float(number) }
        case .bool: unsafe each(source, target, count) { (number: UInt8) in number == 0 ? 0 : 1 }
        }
    }

    @inline(__always)
    private static func each<Number: FixedWidthInteger>(
        _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ count: Int, _ convert: (Number) -> Float
    ) {
        for index in 0..<count {
            let number = unsafe source.loadUnaligned(
                fromByteOffset: index &* MemoryLayout<Number>.size, as: Number.self)
            unsafe (target + index).initialize(to: convert(number))
        }
    }

    /// IEEE 754 half precision by integer steps without branches: the x86-64 baseline has no instruction for it, and what
    /// `Float(Float16)` calls there is a library routine for each number.
    @inline(__always)
    static func float(half bits: UInt16) -> Float {
        let wide = Int32(bits)
        let magnitude = (wide & 0x7FFF) &<< 13
        // All ones or zero, by the sign of a difference.
        let isSubnormal = (magnitude &- 0x0080_0000) &>> 31
        let isSpecial = (0x0F7F_FFFF &- magnitude) &>> 31
        let isNaN = (0x0F80_0000 &- magnitude) &>> 31
        // Exponents 1 to 30: the bias goes from 15 to 127. All ones (infinity, NaN) stay all ones, and a NaN gets quiet.
        let normal = (magnitude &+ 0x3800_0000 &+ (isSpecial & 0x3800_0000)) | (isNaN & 0x0040_0000)
        // Exponent 0: the fraction counts steps of 2^-24, as it does in the numbers from 2^-14 to 2^-13.
        let shifted = Float(bitPattern: UInt32(bitPattern: magnitude | 0x3880_0000))
        let subnormal = Int32(bitPattern: (shifted - Float(bitPattern: 0x3880_0000)).bitPattern)
        let unsigned = (subnormal & isSubnormal) | (normal & ~isSubnormal)
        return Float(bitPattern: UInt32(bitPattern: unsigned | (wide & 0x8000) &<< 16))
    }

    /// The upper half of a float32.
    @inline(__always)
    static func float(brain bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
