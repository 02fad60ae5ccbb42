// A small seeded generator for the bundled example set.

/// SplitMix64 (Steele, Lea and Flood, 2014): a 64-bit counter through a mixing function; the same numbers
/// on every platform.
///
/// Drawn from with ``SplitMix64/integer(in:)``, not with the standard library's `random(in:)`, whose
/// algorithm may change.
struct SplitMix64 {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A generator for item `index` of a sequence, independent of how many numbers the items before it drew.
    init(seed: UInt64, index: Int) {
        var mixer = SplitMix64(seed: seed ^ UInt64(truncatingIfNeeded: index) &* 0xD1B5_4A32_D192_ED03)
        state = mixer.next()
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// An integer of the range; the upper half of a 64 x 64-bit product, whose bias is below range / 2^64.
    mutating func integer(in range: ClosedRange<Int>) -> Int {
        let count = UInt64(range.upperBound - range.lowerBound) + 1
        return range.lowerBound + Int(next().multipliedFullWidth(by: count).high)
    }

    /// True in `percent` of 100 draws.
    mutating func chance(percent: Int) -> Bool { integer(in: 0...99) < percent }
}
