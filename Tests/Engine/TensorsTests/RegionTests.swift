// Regions of features against a scalar reference, and at their edges.

import Processors
import Tensors
import TestDevices
import Testing

@Suite struct RegionTests {
    /// Point by point, in float64 (He et al. 2017, section 3; torchvision's `roi_align`).
    private func reference(_ x: Reference, _ boxes: Reference, _ sampling: RegionSampling) -> Reference {
        let (scale, half) = (Double(sampling.scale), sampling.isAligned ? 0.5 : 0)
        /// The two pixels between which a point lies, and the share of the second; nil for a point that says nothing.
        func place(_ box: Int, _ edge: Int, _ cell: Int, _ point: Int, of cells: Int, size: Int) -> (Int, Int, Double)?
        {
            let start = boxes[box, edge] * scale - half
            var length = (boxes[box, edge + 2] - boxes[box, edge]) * scale
            if !sampling.isAligned { length = max(length, 1) }
            let at = start + length / Double(cells) * (Double(cell) + (Double(point) + 0.5) / Double(sampling.points))
            if at < -1 || at > Double(size) { return nil }
            let inside = min(max(at, 0), Double(size - 1))
            return (Int(inside), min(Int(inside) + 1, size - 1), inside - inside.rounded(.down))
        }
        return Reference([boxes.shape[0], sampling.rows, sampling.columns, x.shape[3]]) { at in
            var sum = 0.0
            for down in 0..<sampling.points {
                for across in 0..<sampling.points {
                    guard let (top, bottom, low) = place(at[0], 1, at[1], down, of: sampling.rows, size: x.shape[1]),
                        let (left, right, far) = place(at[0], 0, at[2], across, of: sampling.columns, size: x.shape[2])
                    else { continue }
                    sum +=
                        (1 - low) * ((1 - far) * x[0, top, left, at[3]] + far * x[0, top, right, at[3]])
                        + low * ((1 - far) * x[0, bottom, left, at[3]] + far * x[0, bottom, right, at[3]])
                }
            }
            return sum / Double(sampling.points * sampling.points)
        }
    }

    /// Inside, across each edge, beyond, without extent, turned around, and smaller than a pixel of the features.
    private static let boxes: [Float] = [
        10, 12, 60, 50, -30, -9, 21, 200, 80, 40, 131, 71, 0, 0, 96, 64, 500, 500, 600, 700, 33, 21, 33, 21, 60, 50, 20,
        30,
        41.25, 17.5, 42, 19.75, -3.9, 10, 30, 64,
    ]

    @Test(
        "A cell is the mean of the points in it",
        arguments: [
            RegionSampling(rows: 7, columns: 7, points: 2, scale: 0.25, isAligned: false),
            RegionSampling(rows: 7, columns: 7, points: 2, scale: 0.25, isAligned: true),
            RegionSampling(rows: 1, columns: 4, points: 1, scale: 0.25, isAligned: false),
            RegionSampling(rows: 3, columns: 2, points: 5, scale: 0.125, isAligned: true),
            RegionSampling(rows: 2, columns: 2, points: 3, scale: 1, isAligned: false),
        ], [1, 21, 64, 150])
    func cells(_ sampling: RegionSampling, _ channels: Int) throws {
        for device in Devices.all {
            var numbers = Numbers(seed: 71)
            let x = numbers.tensor([1, 16, 24, channels], on: device)
            let boxes = Tensor(Self.boxes, shape: [Self.boxes.count / 4, 4], device: device)
            let found = x.regions(boxes, sampling)
            let expected = try reference(Reference(x), Reference(boxes), sampling)
            // torch, too, rounds places to float32.
            #expect(try expected.relativeError(of: found) < Devices.limit(2e-6, on: device), "\(device.facts.name)")
        }
    }

    @Test("Boxes that are not finite see zeros, and no boxes give nothing", arguments: [false, true])
    func limits(_ isAligned: Bool) throws {
        let sampling = RegionSampling(rows: 2, columns: 3, points: 2, scale: 0.5, isAligned: isAligned)
        for device in Devices.all {
            let x = Tensor(repeating: 1, shape: [1, 5, 6, 8], device: device)
            let whole: [Float] = [0, 0, 10, 8]
            for edge in 0..<4 {
                for number in [Float.nan, .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude] {
                    var box = whole
                    box[edge] = number
                    let found = try x.regions(Tensor(whole + box, shape: [2, 4], device: device), sampling).floats()
                    #expect(found[..<48].allSatisfy { abs($0 - 1) < 1e-6 })
                    #expect(number.isFinite || found[48...].allSatisfy { $0 == 0 }, "\(box)")
                    #expect(found.allSatisfy { $0 >= 0 && $0 <= 1.000001 })
                }
            }
            let nothing = x.regions(Tensor([], shape: [0, 4], device: device), sampling)
            #expect(try nothing.shape == [0, 2, 3, 8] && nothing.floats().isEmpty)
        }
    }

    @Test("A box's bytes do not depend on the others, the threads or the width of vectors", arguments: [20, 64, 150])
    func bytes(_ channels: Int) throws {
        let sampling = RegionSampling(rows: 7, columns: 7, points: 2, scale: 0.25, isAligned: false)
        for name in Set(ProductKernel.allCases.filter(\.isAvailable).map(\.name)) {
            var first: [Float]?
            for kernel in ProductKernel.allCases where kernel.isAvailable && kernel.name == name {
                for threads in [1, 3] {
                    let device = CPUDevice(threads: threads, kernel: kernel)
                    var numbers = Numbers(seed: 72)
                    let x = numbers.tensor([1, 16, 24, channels], on: device)
                    let boxes = Tensor(Self.boxes, shape: [Self.boxes.count / 4, 4], device: device)
                    let found = try x.regions(boxes, sampling).floats()
                    #expect(
                        try x.regions(boxes.batch(2..<3), sampling).floats()
                            == found[98 * channels..<147 * channels].map(\.self))
                    if let first { #expect(found == first, "\(kernel), \(threads) threads") }
                    first = found
                }
            }
        }
    }

    @Test("Each region is asked of the device once, and one that fails is named")
    func devices() throws {
        let sampling = RegionSampling(rows: 7, columns: 7, points: 2, scale: 0.25, isAligned: false)
        let recording = RecordingDevice()
        let features = Tensor(repeating: 0, shape: [1, 4, 6, 8], device: recording)
        let boxes = Tensor([0, 0, 1, 1], shape: [1, 4], device: recording)
        recording.forget()
        #expect(features.regions(boxes, sampling).shape == [1, 7, 7, 8])
        #expect(recording.records.map(\.name) == ["regions"] && recording.records[0].shape == [1, 4, 6, 8])
        let failing = FailingDevice(CPUDevice(threads: 1)) {
            $0.name == "regions" ? DeviceError(.outOfMemory, "nothing is left") : nil
        }
        let found = Tensor(repeating: 0, shape: [1, 4, 6, 8], device: failing)
            .regions(Tensor([0, 0, 1, 1], shape: [1, 4], device: failing), sampling)
        let error = #expect(throws: DeviceError.self) { try found.floats() }
        #expect(error?.description == "regions: [1, 4, 6, 8] within 1 boxes: nothing is left")
    }
}
