// Normally distributed noise that depends on a seed and an index, and on no machine.

/// A sequence of standard normal numbers in which every number follows from the seed and its own index.
///
/// Philox4x32-10 (Salmon and others, 2011, "Parallel random numbers: as easy as 1, 2, 3") turns each index pair's counter
/// into 128 random bits, and Box and Muller's transform (1958) those into two normal numbers. Any number can be had
/// without the ones before it, so a picture's noise is the same in whatever batch it is computed.
///
/// Every operation is integer or IEEE 754 addition, multiplication, division or square root in double precision, which
/// are exactly defined; the logarithm, sine and cosine are polynomials in them, since those of C libraries differ from
/// one to the next in the last bit. Swift does not contract products and sums into fused operations. The polynomials
/// are accurate to 4e-16 relative (logarithm) and absolute (sine, cosine), far below the final rounding to Float.
public struct GaussianNoise: Sendable, Hashable {
    /// What the noise is drawn from.
    public let seed: UInt64

    /// Names the sequence; nothing is drawn yet.
    public init(seed: UInt64) { self.seed = seed }

    /// The numbers 0 ..< product of `shape`, in row-major order: a latent's initial noise.
    ///
    /// - Parameter shape: for latents channels-last, `[rows, columns, channels]`.
    public static func latents(seed: UInt64, shape: [Int]) -> [Float] {
        GaussianNoise(seed: seed).values(shape.reduce(1, *))
    }

    /// The first `count` numbers.
    public func values(_ count: Int) -> [Float] {
        var values: [Float] = []
        values.reserveCapacity(count + 1)
        for pair in 0..<((count + 1) / 2) {
            let (first, second) = self.pair(UInt64(pair))
            values.append(first)
            values.append(second)
        }
        if values.count > count { values.removeLast() }
        return values
    }

    /// Number `index`.
    public subscript(index: Int) -> Float {
        let (first, second) = pair(UInt64(index / 2))
        return index % 2 == 0 ? first : second
    }

    /// Numbers `2 * index` and `2 * index + 1`: radius sqrt(-2 ln u) at the angle 2 pi v.
    private func pair(_ index: UInt64) -> (Float, Float) {
        let key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        let counter = SIMD4(UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32), 0, 0)
        let bits = Philox.bits(counter: counter, key: key)
        let radius = (-2 * ExactMath.logarithm(Self.uniform(bits[0], bits[1]))).squareRoot()
        let (sine, cosine) = ExactMath.sineAndCosine(turns: Self.uniform(bits[2], bits[3]))
        return (Float(radius * cosine), Float(radius * sine))
    }

    /// 52 random bits as the middle of one of 2^52 equal parts of 0...1, never an end: exact in a Double.
    private static func uniform(_ low: UInt32, _ high: UInt32) -> Double {
        (Double((UInt64(high) << 32 | UInt64(low)) >> 12) + 0.5) * 0x1p-52
    }
}

/// Philox4x32 with ten rounds: 128 random bits from a counter and a key.
enum Philox {
    static func bits(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var counter = counter
        var key = key
        for _ in 0..<10 {
            let first = (0xD251_1F53 as UInt32).multipliedFullWidth(by: counter[0])
            let second = (0xCD9E_8D57 as UInt32).multipliedFullWidth(by: counter[2])
            counter = SIMD4(second.high ^ counter[1] ^ key[0], second.low, first.high ^ counter[3] ^ key[1], first.low)
            key &+= SIMD2(0x9E37_79B9, 0xBB67_AE85)
        }
        return counter
    }
}

/// Logarithm, sine and cosine in plain IEEE 754 operations, the same bits on every machine.
enum ExactMath {
    /// The natural logarithm of a normal positive number.
    ///
    /// x = 2^e m with m in sqrt(1/2)...sqrt(2); ln m = 2 artanh s with s = (m - 1) / (m + 1), |s| < 0.172, by its series
    /// up to s^23, whose rest is below 1e-19.
    static func logarithm(_ number: Double) -> Double {
        var significand = number.significand
        var exponent = Double(number.exponent)
        if significand > 1.414_213_562_373_095_1 {
            significand /= 2
            exponent += 1
        }
        let s = (significand - 1) / (significand + 1)
        let square = s * s
        var series = 0.0
        for odd in stride(from: 23.0, through: 3.0, by: -2) { series = (series + 1 / odd) * square }
        // ln 2 in two parts: the first has few enough bits that its product with an exponent is exact.
        let large = exponent * 0x1.62e42fefa38p-1
        let small = exponent * 0x1.ef35793c7673p-45
        return large + (2 * (s + s * series) + small)
    }

    /// Sine and cosine of an angle in turns of 0..<1.
    ///
    /// The turn is folded into -1/8...1/8 without rounding, then Taylor's series up to x^17 and x^18: pi/4 leaves a rest
    /// below 1e-18.
    static func sineAndCosine(turns: Double) -> (sine: Double, cosine: Double) {
        let quarter = (turns * 4).rounded(.toNearestOrEven)
        let x = (turns - quarter / 4) * (2 * Double.pi)
        let square = x * x
        var sine = 1.0
        var cosine = 1.0
        for n in stride(from: 16.0, through: 2.0, by: -2) { sine = 1 - square / (n * (n + 1)) * sine }
        for n in stride(from: 17.0, through: 1.0, by: -2) { cosine = 1 - square / (n * (n + 1)) * cosine }
        sine *= x
        return switch Int(quarter) % 4 {
        case 0: (sine, cosine)
        case 1: (cosine, -sine)
        case 2: (-sine, -cosine)
        default: (-cosine, sine)
        }
    }
}
