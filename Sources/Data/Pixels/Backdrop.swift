// Soft, seeded backgrounds for drawn pictures.

/// A hash of (seed, counter) by the finalizer of SplitMix64 (Steele, Lea, Flood 2014): any value can be asked for on
/// its own.
struct CounterHash: Sendable {
    var seed: UInt64

    subscript(counter: Int) -> UInt64 {
        var word = seed &+ UInt64(bitPattern: Int64(counter)) &* 0x9E37_79B9_7F4A_7C15 &+ 0x9E37_79B9_7F4A_7C15
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// The same, as a number in [0, 1).
    func unit(_ counter: Int) -> Double { Double(self[counter] >> 11) * 0x1p-53 }
}

extension Image {
    /// A soft background: a gradient between two muted colours, with slow clouds over it.
    ///
    /// The seed alone decides the pixels, so the same seed gives the same bytes on any machine.
    public init(backdropOf width: Int, height: Int, seed: UInt64) {
        self.init(width: width, height: height, fill: .black)
        let hash = CounterHash(seed: seed)
        let hue = hash.unit(0)
        let upper = Color(hue: hue, saturation: 0.34, lightness: 0.84)
        let lower = Color(hue: hue + 0.08 + 0.2 * hash.unit(1), saturation: 0.30, lightness: 0.56)
        let clouds = CloudRows(hash: hash, width: width)
        var light = [Int32](repeating: 0, count: width)
        let tilt = (hash.unit(2) - 0.5) * 0.5
        unsafe withBytes { bytes in
            for y in 0..<height {
                clouds.fill(&light, row: y)
                // The gradient in 65536ths: it goes down the image, and a little sideways.
                var place = Int32(65_536 * (Double(y) / Double(height) * (1 - abs(tilt)) + max(-tilt, 0)))
                let step = Int32(65_536 * tilt / Double(width))
                var index = 3 * y * width
                for x in 0..<width {
                    unsafe bytes[index] = Self.shade(upper.red, lower.red, place, light[x])
                    unsafe bytes[index + 1] = Self.shade(upper.green, lower.green, place, light[x])
                    unsafe bytes[index + 2] = Self.shade(upper.blue, lower.blue, place, light[x])
                    place &+= step
                    index += 3
                }
            }
        }
    }

    /// A gradient's channel at `place`/65536 of the way, lightened by `light`/65536 steps.
    @inline(__always)
    private static func shade(_ from: UInt8, _ onto: UInt8, _ place: Int32, _ light: Int32) -> UInt8 {
        let mixed = Int32(from) &* 65_536 &+ (Int32(onto) &- Int32(from)) &* place
        return UInt8(truncatingIfNeeded: min(max((mixed &+ light &+ 32_768) >> 16, 0), 255))
    }
}

/// Value noise of two octaves, row by row: a lattice of hashed values, interpolated smoothly.
private struct CloudRows {
    var hash: CounterHash
    var width: Int

    /// Each octave: cell size in pixels, and its height in 256ths of a channel step.
    private static let octaves: [(cell: Int, height: Double)] = [(224, 18), (96, 7)]

    /// Writes the row's clouds, in 65536ths of a channel step.
    func fill(_ light: inout [Int32], row: Int) {
        for index in light.indices { light[index] = 0 }
        for (octave, (cell, height)) in Self.octaves.enumerated() {
            let line = row / cell
            let across = Self.smooth(Double(row % cell) / Double(cell))
            var left = value(octave, 0, line, across)
            for column in 0...(width - 1) / cell {
                let right = value(octave, column + 1, line, across)
                let end = min((column + 1) * cell, width)
                for x in column * cell..<end {
                    let part = Self.smooth(Double(x - column * cell) / Double(cell))
                    light[x] &+= Int32(65_536 * height * (left + (right - left) * part))
                }
                left = right
            }
        }
    }

    /// The lattice's value in [-1, 1] at a column's line, `across` of the way to the next lattice row.
    private func value(_ octave: Int, _ column: Int, _ line: Int, _ across: Double) -> Double {
        func lattice(_ line: Int) -> Double { 2 * hash.unit(1_000_000 * (octave + 1) + 1_000 * line + column) - 1 }
        let (above, below) = (lattice(line), lattice(line + 1))
        return above + (below - above) * across
    }

    private static func smooth(_ part: Double) -> Double { part * part * (3 - 2 * part) }
}
