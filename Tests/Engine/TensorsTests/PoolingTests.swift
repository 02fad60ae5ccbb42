// Pooling against a scalar reference, and at its edges.

import Tensors
import TestDevices
import Testing

@Suite struct PoolingTests {
    /// Pixel by pixel, in float64.
    private func reference(_ x: Reference, _ pooling: Pooling, _ window: PoolingWindow) -> Reference {
        let (height, width) = (x.shape[1], x.shape[2])
        let (rows, columns) = (
            (height + window.padding.top + window.padding.bottom - window.rows) / window.stride + 1,
            (width + window.padding.left + window.padding.right - window.columns) / window.stride + 1
        )
        return Reference([x.shape[0], rows, columns, x.shape[3]]) { at in
            var (most, sum, seen) = (-Double.infinity, 0.0, 0)
            for y in 0..<window.rows {
                for x1 in 0..<window.columns {
                    let row = at[1] * window.stride + y - window.padding.top
                    let column = at[2] * window.stride + x1 - window.padding.left
                    guard (0..<height).contains(row), (0..<width).contains(column) else { continue }
                    let value = x[at[0], row, column, at[3]]
                    if value > most || value.isNaN { most = value }
                    sum += value
                    seen += 1
                }
            }
            switch pooling {
            case .greatest: return most
            case .mean(let countsPadding): return sum / Double(countsPadding ? window.rows * window.columns : seen)
            }
        }
    }

    @Test(
        "Windows give their greatest number, or their mean",
        arguments: [
            ([1, 1, 1, 1], PoolingWindow(1, stride: 1)),
            ([1, 1, 1, 3], PoolingWindow(3, stride: 2, padding: Padding(1))),
            // ResNet's, Inception's, those of YOLOv4's pyramid, and the last level of a feature pyramid.
            ([2, 13, 18, 20], PoolingWindow(3, stride: 2, padding: Padding(1))),
            ([2, 11, 9, 35], PoolingWindow(3, stride: 2)),
            ([1, 9, 7, 40], .around(5)), ([1, 12, 19, 16], .around(9)), ([3, 6, 5, 17], .around(13)),
            ([1, 8, 8, 64], PoolingWindow(8, stride: 1)), ([1, 7, 10, 5], PoolingWindow(1, stride: 2)),
            // Even, wider than high, farther apart than wide, padded on some sides.
            ([1, 8, 7, 33], .around(2, stride: 2)), ([1, 6, 9, 4], PoolingWindow(rows: 2, columns: 4, stride: 3)),
            (
                [2, 5, 6, 3],
                PoolingWindow(rows: 3, columns: 2, stride: 1, padding: Padding(top: 2, left: 0, bottom: 1, right: 1))
            ),
        ])
    func windows(_ shape: [Int], _ window: PoolingWindow) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 61)
            let x = numbers.tensor(shape, on: device)
            let greatest = x.pooled(.greatest, window)
            let expected = try reference(Reference(x), .greatest, window)
            #expect(greatest.shape == expected.shape)
            #expect(try greatest.floats().map(Double.init) == expected.values)
            for countsPadding in [false, true] {
                let pooling = Pooling.mean(countsPadding: countsPadding)
                let error = try reference(Reference(x), pooling, window).relativeError(of: x.pooled(pooling, window))
                #expect(error < Devices.limit(3e-7, on: device))
            }
        }
    }

    @Test("Padding is never the greatest, and each window that sees not-a-number gives it", arguments: [3, 16, 21])
    func limits(_ channels: Int) throws {
        for device in Devices.all {
            let low = Tensor(repeating: -.infinity, shape: [1, 4, 5, channels], device: device)
            #expect(try low.pooled(.greatest, .around(3)).floats().allSatisfy { $0 == -.infinity })
            // One channel of one pixel, and numbers before and after it.
            let (width, at) = (5, (1 * 5 + 2) * channels + channels - 1)
            let values = (0..<4 * width * channels).map { $0 == at ? Float.nan : -Float($0) }
            let found = Tensor(values, shape: [1, 4, width, channels], device: device).pooled(.greatest, .around(3))
            for (index, number) in try found.floats().enumerated() {
                let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
                let sees = channel == channels - 1 && pixel / width <= 2 && abs(pixel % width - 2) <= 1
                #expect(number.isNaN == sees, "channel \(channel) of pixel \(pixel)")
            }
        }
    }

    @Test("A window around each pixel keeps the size, and one in another is a larger one")
    func pyramid() throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 62)
            let x = numbers.tensor([1, 19, 17, 24], on: device)
            let five = x.pooled(.greatest, .around(5))
            #expect(five.shape == x.shape)
            let nine = five.pooled(.greatest, .around(5))
            #expect(try nine.floats() == x.pooled(.greatest, .around(9)).floats())
            #expect(try nine.pooled(.greatest, .around(5)).floats() == x.pooled(.greatest, .around(13)).floats())
        }
    }

    @Test("No samples give no windows")
    func nothing() throws {
        for device in Devices.all {
            let x = Tensor([], shape: [0, 4, 4, 8], device: device)
            #expect(x.pooled(.greatest, .around(3, stride: 2)).shape == [0, 2, 2, 8])
        }
    }
}
