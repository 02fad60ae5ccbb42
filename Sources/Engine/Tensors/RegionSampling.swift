// Regions: what features say within boxes, brought to one size.

/// RoIAlign (He et al. 2017, "Mask R-CNN", section 3): a box is divided into cells, and a cell is the mean of points that are
/// interpolated linearly between the features' pixels. The same as `torchvision.ops.roi_align`.
public struct RegionSampling: Sendable, Hashable {
    /// Cells of a box, down and across.
    public var rows: Int, columns: Int
    /// Points of a cell, as many down as across (torchvision's `sampling_ratio`; 0, as many as the box takes, there is not).
    public var points: Int
    /// Pixels of the features for one of the picture that boxes are given in (`spatial_scale`).
    public var scale: Float
    /// Whether a pixel's number stands for its center, half a pixel from its corner. If not, a box is at least one pixel of the
    /// features wide and high, as in the networks of before 2019.
    public var isAligned: Bool

    /// Any sampling.
    public init(rows: Int, columns: Int, points: Int, scale: Float, isAligned: Bool) {
        (self.rows, self.columns, self.points) = (rows, columns, points)
        (self.scale, self.isAligned) = (scale, isAligned)
    }
}

extension Tensor {
    /// Features `[1, rows, columns, channels]` within `boxes` `[n, 4]`, each left, top, right and bottom in pixels of the picture;
    /// gives `[n, sampling.rows, sampling.columns, channels]`.
    ///
    /// Points more than a pixel outside of the features count as zeros, and so do those of a box that is not finite.
    public func regions(_ boxes: Tensor, _ sampling: RegionSampling) -> Tensor {
        precondition(
            shape.count == 4 && shape[0] == 1 && shape.allSatisfy { $0 > 0 } && boxes.shape.count == 2
                && boxes.shape[1] == 4 && min(sampling.rows, sampling.columns, sampling.points) > 0,
            "regions: \(shape) within boxes \(boxes.shape), \(sampling)")
        return computed(
            "regions: \(shape) within \(boxes.shape[0]) boxes",
            [boxes.shape[0], sampling.rows, sampling.columns, channels], from: [boxes]
        ) { device throws(DeviceError) in try device.regions(boxes, of: self, sampling) }
    }
}
