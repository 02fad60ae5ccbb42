// The noise: its bits against published vectors, its numbers against the normal distribution and the C library.

import Foundation
import Testing

@testable import Diffusion

@Suite struct GaussianNoiseTests {
    /// The known answers of Random123, the authors' own library (kat_vectors, philox4x32 10).
    @Test func `Philox gives its authors' known answers`() {
        #expect(
            Philox.bits(counter: SIMD4(repeating: 0), key: SIMD2(repeating: 0))
                == SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8))
        #expect(
            Philox.bits(counter: SIMD4(repeating: .max), key: SIMD2(repeating: .max))
                == SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD))
        #expect(
            Philox.bits(
                counter: SIMD4(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344),
                key: SIMD2(0xA409_3822, 0x299F_31D0))
                == SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1))
    }

    @Test func `A number depends on its seed and index only`() {
        let long = GaussianNoise.latents(seed: 7, shape: [57, 100, 4])
        #expect(long.count == 57 * 100 * 4)
        #expect(Array(long.prefix(1001)) == GaussianNoise(seed: 7).values(1001))
        for index in [0, 1, 2, 1000, 22_799] { #expect(GaussianNoise(seed: 7)[index] == long[index]) }
        #expect(long.prefix(8) != GaussianNoise(seed: 8).values(8)[...])
        #expect(GaussianNoise(seed: 7).values(8) != GaussianNoise(seed: 7 | 1 << 40).values(8))
        #expect(GaussianNoise(seed: 7).values(0).isEmpty)
    }

    /// Held beside the same transform by another language's library; seen alike on x86-64.
    @Test func `The first numbers of two seeds never change`() {
        #expect(GaussianNoise(seed: 0).values(6).map(\.bitPattern) == Self.firstOfZero)
        #expect(GaussianNoise(seed: 0xDEAD_BEEF_0123_4567).values(6).map(\.bitPattern) == Self.firstOfOther)
    }
    static let firstOfZero: [UInt32] = [
        3_201_014_548, 3_198_086_184, 1_068_598_302, 1_051_233_954, 3_193_092_516, 1_069_519_492,
    ]
    static let firstOfOther: [UInt32] = [
        1_048_657_182, 3_200_198_497, 1_052_921_769, 1_049_986_378, 1_019_973_918, 1_063_591_389,
    ]

    /// With 10^6 numbers the standard errors are 0.001 (mean), 0.0014 (variance), 0.0024 (skewness), 0.0049 (kurtosis),
    /// and Kolmogorov and Smirnov's distance is below 0.00163 in 99 of 100 seeds.
    @Test(arguments: [1, 2, 20_240_607] as [UInt64])
    func `A million numbers are normally distributed`(seed: UInt64) {
        let values = GaussianNoise(seed: seed).values(1_000_000).map { Double($0) }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let moments = values.reduce(into: SIMD3<Double>()) { sum, value in
            let x = value - mean
            sum += SIMD3(x * x, x * x * x, x * x * x * x)
        }
        let variance = moments[0] / count
        #expect(abs(mean) < 0.004)
        #expect(abs(variance - 1) < 0.006)
        #expect(abs(moments[1] / count) < 0.01)
        #expect(abs(moments[2] / count / (variance * variance) - 3) < 0.02)
        var distance = 0.0
        for (index, value) in values.sorted().enumerated() {
            let share = 0.5 * erfc(-value / 2.squareRoot())
            distance = max(distance, abs(share - Double(index) / count), abs(Double(index + 1) / count - share))
        }
        #expect(distance < 0.0019)
        let neighbours = zip(values, values.dropFirst()).map { $0 * $1 }.reduce(0, +) / count
        #expect(abs(neighbours) < 0.004)
    }

    @Test func `The logarithm, sine and cosine are those of the C library to their last digits`() {
        var worst = (logarithm: 0.0, sine: 0.0, cosine: 0.0)
        var numbers = (0..<200_000).map { index -> Double in
            let bits = Philox.bits(counter: SIMD4(UInt32(index), 1, 0, 0), key: SIMD2(3, 4))
            return (Double((UInt64(bits[1]) << 32 | UInt64(bits[0])) >> 12) + 0.5) * 0x1p-52
        }
        numbers += [
            0x1p-53, 1 - 0x1p-53, 0.5, 0.5.nextUp, 0.70710678118654746, 0.70710678118654757, 0.25, 0.125, 0.875,
        ]
        for number in numbers {
            let expected = log(number)
            worst.logarithm = max(worst.logarithm, abs(ExactMath.logarithm(number) - expected) / abs(expected))
            let (sine, cosine) = ExactMath.sineAndCosine(turns: number)
            // The library's argument is rounded: fold first, which is exact.
            let folded = number > 0.5 ? number - 1 : number
            worst.sine = max(worst.sine, abs(sine - sin(2 * Double.pi * folded)))
            worst.cosine = max(worst.cosine, abs(cosine - cos(2 * Double.pi * folded)))
        }
        #expect(worst.logarithm < 5e-16)
        #expect(worst.sine < 1e-15 && worst.cosine < 1e-15)
    }
}
