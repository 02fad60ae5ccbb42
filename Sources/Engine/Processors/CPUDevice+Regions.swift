// Regions of features: each thread takes some boxes.

import CKernels
public import Tensors

extension CPUDevice {
    /// The pixels that a cell sees are added once each, weighted.
    public func regions(
        _ boxes: Tensor, of x: Tensor, _ sampling: RegionSampling
    ) throws(DeviceError) -> Tensor {
        let (height, width, channels) = (x.shape[1], x.shape[2], x.channels)
        let each = sampling.rows * sampling.columns * channels
        let (source, corners) = unsafe (try read(x), try read(boxes))
        return unsafe try make([boxes.shape[0], sampling.rows, sampling.columns, channels]) { result in
            loop.run(boxes.shape[0]) { index, _ in
                let box = unsafe corners + 4 * index
                let across = unsafe RegionAxis(
                    from: box[0], to: box[2], cells: sampling.columns, size: width, sampling)
                let down = unsafe RegionAxis(from: box[1], to: box[3], cells: sampling.rows, size: height, sampling)
                var taps: [kernels_tap] = []
                for row in 0..<sampling.rows {
                    for column in 0..<sampling.columns {
                        taps.removeAll(keepingCapacity: true)
                        for y in down.pixels[row] {
                            for x in across.pixels[column] {
                                taps.append(
                                    kernels_tap(
                                        place: (y.place * width + x.place) * channels, weight: y.weight * x.weight))
                            }
                        }
                        let cell = unsafe result + index * each + (row * sampling.columns + column) * channels
                        unsafe kernels_sum_taps(source, taps, taps.count, channels, cell)
                    }
                }
            }
        }
    }
}

/// The pixels along one axis that the cells of a box see.
private struct RegionAxis {
    /// A pixel's part in a cell.
    struct Pixel {
        var place: Int
        var weight: Float
    }

    /// For each cell. Points of a small cell lie between the same pixels, which are then read once.
    let pixels: [[Pixel]]

    init(from first: Float, to last: Float, cells: Int, size: Int, _ sampling: RegionSampling) {
        // In float32 and this order, as torchvision computes them: a point's place decides between which pixels it lies.
        let offset: Float = sampling.isAligned ? 0.5 : 0
        let start = first * sampling.scale - offset
        let length = last * sampling.scale - offset - start
        let cell = (sampling.isAligned ? length : max(length, 1)) / Float(cells)
        pixels = (0..<cells).map { index in
            var pixels: [Pixel] = []
            guard first.isFinite, last.isFinite else { return pixels }
            func add(_ place: Int, _ weight: Float) {
                guard weight > 0 else { return }
                let weight = weight / Float(sampling.points)
                if let known = pixels.firstIndex(where: { $0.place == place }) {
                    pixels[known].weight += weight
                } else {
                    pixels.append(Pixel(place: place, weight: weight))
                }
            }
            for point in 0..<sampling.points {
                var place = start + Float(index) * cell + (Float(point) + 0.5) * cell / Float(sampling.points)
                guard place >= -1, place <= Float(size) else { continue }
                place = min(max(place, 0), Float(size - 1))
                let before = Int(place)
                let share = place - Float(before)
                add(before, 1 - share)
                add(before + 1, share)
            }
            return pixels
        }
    }
}
