// What stands over each map of a detector of one stage.

import Tensors

/// Two towers of convolutions with group normalization; over the one the classes, over the other the box and how central
/// the cell is in it (Tian et al. 2019, "FCOS", section 3; Zhang et al. 2020, "Bridging the Gap", the same with anchors).
struct DenseHead: Sendable {
    /// A tower's layers.
    struct Tower: Sendable {
        struct Layer: Sendable {
            var convolution: ConvolutionLayer
            /// `[channels]`.
            var scale: Tensor, shift: Tensor
        }

        /// Of group normalization in torchvision and mmdetection.
        private static let groups = 32, epsilon: Float = 1e-5

        var layers: [Layer] = []

        func callAsFunction(_ map: Tensor) -> Tensor {
            layers.reduce(map) { x, layer in
                layer.convolution(x).groupNormalization(
                    groups: Self.groups, scale: layer.scale, shift: layer.shift, epsilon: Self.epsilon,
                    activation: .relu)
            }
        }

        /// Adds a layer; its channels must be a multiple of the groups.
        mutating func append(_ convolution: ConvolutionLayer, normalizedBy place: StateDict) throws(DetectorError) {
            let channels = convolution.outputs
            guard channels.isMultiple(of: Self.groups) else {
                throw place.error("weight", expected: "[a multiple of \(Self.groups)]", found: "[\(channels)]")
            }
            layers.append(
                Layer(
                    convolution: convolution, scale: try place.tensor("weight", [channels]),
                    shift: try place.tensor("bias", [channels])))
        }
    }

    /// What the network says of a map's cells, channels last.
    struct Output: Sendable {
        /// `[1, rows, columns, classes]`, before the sigmoid.
        var classes: Tensor
        /// `[1, rows, columns, 4]`.
        var box: Tensor
        /// `[1, rows, columns, 1]`, before the sigmoid.
        var centerness: Tensor
    }

    let classTower: Tower, boxTower: Tower
    let classes: ConvolutionLayer
    /// One for each map, or one for all.
    let boxes: [ConvolutionLayer]
    let centerness: ConvolutionLayer
    /// Whether what is said of boxes cannot be negative.
    let boxActivation: Activation?

    /// The maps of a pyramid, the finest first.
    func callAsFunction(_ maps: [Tensor]) -> [Output] {
        maps.enumerated().map { level, map in
            let inside = boxTower(map)
            let box = boxes[boxes.count == 1 ? 0 : level](inside, activation: boxActivation)
            return Output(classes: classes(classTower(map)), box: box, centerness: centerness(inside))
        }
    }
}
