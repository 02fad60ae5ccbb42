// What a map says within a box, brought to one size.

import Foundation
import Layouts
import Tensors

/// RoIAlign (He et al. 2017, "Mask R-CNN", section 3) over the maps of a feature pyramid: a box is divided into cells, and
/// a cell is the mean of points that are interpolated linearly between the map's pixels.
///
/// Computed on the host: `torchvision.ops.MultiScaleRoIAlign` with `aligned` false. A device that has the maps may take
/// this over as an operation; then the numbers need not be copied out.
struct RegionAlignment: Sendable {
    /// Cells across and down.
    static let side = 7
    /// Points of a cell across and down.
    private static let points = 2
    /// Boxes of this side come from the map at 1/16 (Lin et al. 2017, "Feature Pyramid Networks", equation 1).
    private static let canonicalSide = 224.0

    /// A map's numbers, `[rows, columns, channels]`.
    private struct Map {
        var floats: [Float]
        var rows: Int, columns: Int
    }

    private let maps: [Map]
    private let channels: Int
    private let device: any Device

    /// Maps `[1, rows, columns, channels]` at 1/4 of the picture's size, 1/8, 1/16, ...
    init(_ maps: [Tensor]) throws {
        self.maps = try maps.map { Map(floats: try $0.floats(), rows: $0.shape[1], columns: $0.shape[2]) }
        channels = maps[0].channels
        device = maps[0].device
    }

    /// The map that a box is read from: 0 is the finest.
    static func level(of box: Box, levels: Int) -> Int {
        // Below 0 for a box without area; the finest map then.
        let level = (4 + log2(box.area.squareRoot() / canonicalSide) + 1e-6).rounded(.down)
        return Int(min(max(level, 2), Double(levels + 1))) - 2
    }

    /// `[boxes, 7, 7, channels]`.
    func callAsFunction(_ boxes: [Box]) -> Tensor {
        let each = Self.side * Self.side * channels
        let floats = [Float](unsafeUninitializedCapacity: boxes.count * each) { target, count in
            count = boxes.count * each
            for (index, box) in boxes.enumerated() {
                let level = Self.level(of: box, levels: maps.count)
                align(
                    box.scaled(x: 1 / Double(4 << level), y: 1 / Double(4 << level)), maps[level],
                    into: target.baseAddress! + index * each)
            }
        }
        return Tensor(floats, shape: [boxes.count, Self.side, Self.side, channels], device: device)
    }

    /// One box, in the map's pixels.
    private func align(_ box: Box, _ map: Map, into target: UnsafeMutablePointer<Float>) {
        let across = Self.taps(from: box.x, length: box.width, size: map.columns)
        let down = Self.taps(from: box.y, length: box.height, size: map.rows)
        var taps: [Tap] = []
        map.floats.withUnsafeBufferPointer { source in
            for cell in 0..<Self.side * Self.side {
                let (row, column) = cell.quotientAndRemainder(dividingBy: Self.side)
                taps.removeAll(keepingCapacity: true)
                for y in down[row] {
                    for x in across[column] {
                        let place = (y.place * map.columns + x.place) * channels
                        taps.append(Tap(place: place, weight: y.weight * x.weight))
                    }
                }
                taps.withUnsafeBufferPointer { add($0, of: source.baseAddress!, into: target + cell * channels) }
            }
        }
    }

    /// The weighted sum of pixels; 16 channels at a time stay in registers.
    private func add(
        _ taps: UnsafeBufferPointer<Tap>, of source: UnsafePointer<Float>, into cell: UnsafeMutablePointer<Float>
    ) {
        let whole = channels / 16 * 16
        for channel in stride(from: 0, to: whole, by: 16) {
            var sum = SIMD16<Float>.zero
            for tap in taps {
                let pixel = UnsafeRawPointer(source + tap.place + channel).loadUnaligned(as: SIMD16<Float>.self)
                sum += tap.weight * pixel
            }
            UnsafeMutableRawPointer(cell + channel).storeBytes(of: sum, as: SIMD16<Float>.self)
        }
        for channel in whole..<channels {
            cell[channel] = taps.reduce(0) { $0 + $1.weight * source[$1.place + channel] }
        }
    }

    /// A pixel's part in a cell: along one axis, or both.
    private struct Tap {
        var place: Int
        var weight: Float
    }

    /// For each cell along an axis the pixels that its points lie between. Points of a small cell lie between the same pixels,
    /// which are then read once; points beyond the map say nothing.
    private static func taps(from start: Double, length: Double, size: Int) -> [[Tap]] {
        let step = max(length, 1) / Double(side * points)
        return (0..<side).map { cell in
            var taps: [Tap] = []
            func add(_ place: Int, _ weight: Double) {
                let share = Float(weight) / Float(points)
                if let known = taps.firstIndex(where: { $0.place == place }) {
                    taps[known].weight += share
                } else if weight > 0 {
                    taps.append(Tap(place: place, weight: share))
                }
            }
            for point in cell * points..<(cell + 1) * points {
                var place = start + (Double(point) + 0.5) * step
                guard place >= -1, place <= Double(size) else { continue }
                place = min(max(place, 0), Double(size - 1))
                let first = Int(place)
                add(first, 1 - (place - Double(first)))
                add(min(first + 1, size - 1), place - Double(first))
            }
            return taps
        }
    }
}
