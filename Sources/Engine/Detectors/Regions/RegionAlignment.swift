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
        self.maps = try maps.map { Map(floats: try $0.numbers(), rows: $0.shape[1], columns: $0.shape[2]) }
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
            target.update(repeating: 0)
            for (index, box) in boxes.enumerated() {
                let level = Self.level(of: box, levels: maps.count)
                align(
                    box.scaled(x: 1 / Double(4 << level), y: 1 / Double(4 << level)), maps[level],
                    into: target.baseAddress! + index * each)
            }
        }
        return Tensor(floats, shape: [boxes.count, Self.side, Self.side, channels], device: device)
    }

    /// Adds up the points of one box, in the map's pixels.
    private func align(_ box: Box, _ map: Map, into target: UnsafeMutablePointer<Float>) {
        let across = Self.samples(from: box.x, length: box.width, size: map.columns)
        let down = Self.samples(from: box.y, length: box.height, size: map.rows)
        let share = 1 / Float(Self.points * Self.points)
        map.floats.withUnsafeBufferPointer { source in
            for (y, vertical) in down.enumerated() {
                for (x, horizontal) in across.enumerated() {
                    let cell = target + (y / Self.points * Self.side + x / Self.points) * channels
                    // The four pixels around a point, and their weights.
                    let upper = source.baseAddress! + vertical.first * map.columns * channels
                    let lower = source.baseAddress! + vertical.second * map.columns * channels
                    let (left, right) = (horizontal.first * channels, horizontal.second * channels)
                    let (a, b) = (
                        share * vertical.before * horizontal.before, share * vertical.before * horizontal.after
                    )
                    let (c, d) = (share * vertical.after * horizontal.before, share * vertical.after * horizontal.after)
                    for channel in 0..<channels {
                        cell[channel] +=
                            a * upper[left + channel] + b * upper[right + channel] + c * lower[left + channel]
                            + d * lower[right + channel]
                    }
                }
            }
        }
    }

    /// The two pixels that a point lies between, with their weights; both weights are 0 beyond the map.
    private struct Sample {
        var first = 0, second = 0
        var before: Float = 0, after: Float = 0
    }

    private static func samples(from start: Double, length: Double, size: Int) -> [Sample] {
        let step = max(length, 1) / Double(side * points)
        return (0..<side * points).map { index in
            var place = start + (Double(index) + 0.5) * step
            guard place >= -1, place <= Double(size) else { return Sample() }
            place = min(max(place, 0), Double(size - 1))
            let first = min(Int(place), size - 1)
            let after = Float(place - Double(first))
            return Sample(first: first, second: min(first + 1, size - 1), before: 1 - after, after: after)
        }
    }
}
