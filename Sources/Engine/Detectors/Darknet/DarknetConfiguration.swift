// A darknet network as its .cfg file describes it.

import Tensors

/// The layers of a darknet network, checked: every layer's sizes are known, and fit.
public struct DarknetConfiguration: Sendable {
    /// Pixels across that the network takes.
    public let width: Int
    /// Pixels down that the network takes.
    public let height: Int
    let layers: [DarknetLayer]
    /// What each layer gives.
    let shapes: [DarknetShape]
    /// The last layer that reads each layer's output; later it is let go.
    let lastUse: [Int]
    /// The most numbers that the layers' outputs for one picture have at once, the picture's own with them.
    public let numbersAtOnce: Int

    /// Number of classes.
    public var classes: Int {
        for case .yolo(let head) in layers { return head.classes }
        return 0
    }

    /// Numbers in the weight file.
    public var parameters: Int {
        layers.reduce(0) {
            if case .convolutional(let convolution) = $1 { $0 + convolution.parameters } else { $0 }
        }
    }

    /// Reads a .cfg file.
    ///
    /// Layers: `convolutional` (activations linear, leaky, mish, relu, logistic), `route` with groups, `shortcut`, `maxpool`,
    /// `upsample`, `yolo`. Throws ``DetectorError`` for a file that cannot be read, and for any other layer or option that
    /// would change what is computed, naming the line.
    public init(path: String) throws(DetectorError) { try self.init(DarknetSection.read(path: path), path: path) }

    init(_ sections: [DarknetSection], path: String) throws(DetectorError) {
        guard let net = sections.first, ["net", "network"].contains(net.name) else {
            throw DetectorError(
                .content,
                "\(path): expected a darknet .cfg file that begins with [net], found "
                    + "\(sections.first.map { "[\($0.name)]" } ?? "no section"); give the .cfg file that came with the weights"
            )
        }
        width = try net.integer("width", in: 32...4096)
        height = try net.integer("height", in: 32...4096)
        let channels = try net.integer("channels", default: 3, in: 3...3)
        guard sections.count <= DarknetLimits.layers else {
            throw DetectorError(
                .content,
                "\(path): expected at most \(DarknetLimits.layers) layers, found \(sections.count - 1); "
                    + "give the .cfg file that came with the weights")
        }
        var builder = DarknetBuilder(input: DarknetShape(rows: height, columns: width, channels: channels))
        for section in sections.dropFirst() { try builder.add(section) }
        (layers, shapes) = (builder.layers, builder.shapes)
        lastUse = DarknetLimits.lastUse(layers)
        numbersAtOnce = DarknetLimits.numbersAtOnce(builder.input, layers, shapes, lastUse: lastUse)
        try DarknetLimits.check(self, path: path)
        let heads = layers.compactMap { if case .yolo(let head) = $0 { head.classes } else { nil } }
        guard let first = heads.first, heads.allSatisfy({ $0 == first }) else {
            throw DetectorError(
                .content,
                "\(path): expected [yolo] layers of one number of classes, found "
                    + "\(heads.isEmpty ? "none" : heads.map(String.init).joined(separator: ", ")); give a detector's .cfg file"
            )
        }
    }
}

/// Follows the sizes from layer to layer.
private struct DarknetBuilder {
    let input: DarknetShape
    var layers: [DarknetLayer] = []
    var shapes: [DarknetShape] = []

    init(input: DarknetShape) { self.input = input }

    private var last: DarknetShape { shapes.last ?? input }

    mutating func add(_ section: DarknetSection) throws(DetectorError) {
        let (layer, shape) = try layer(section)
        guard shape.isPossible else {
            throw section.failure(
                "expected sizes that fit, found \(shape.columns)x\(shape.rows) pixels of \(shape.channels) channels")
        }
        layers.append(layer)
        shapes.append(shape)
    }

    private func layer(_ section: DarknetSection) throws(DetectorError) -> (DarknetLayer, DarknetShape) {
        switch section.name {
        case "convolutional", "conv": try convolution(section)
        case "route": try route(section)
        case "shortcut": try shortcut(section)
        case "maxpool", "max": try maximumPool(section)
        case "upsample": try upsample(section)
        case "yolo": try head(section)
        default:
            throw section.failure(
                "expected a layer of convolutional, route, shortcut, maxpool, upsample, yolo, found another")
        }
    }

    private func convolution(_ section: DarknetSection) throws(DetectorError) -> (DarknetLayer, DarknetShape) {
        guard try section.integer("groups", default: 1, in: 1...1 << 16) == 1 else {
            throw section.failure("groups: expected 1, found another number, which no detector of this package has")
        }
        let kernel = try section.integer("size", default: 1, in: 1...31)
        let isPadded = try section.integer("pad", default: 0, in: 0...1) == 1
        let convolution = DarknetConvolution(
            inputs: last.channels, outputs: try section.integer("filters", default: 1, in: 1...1 << 16), kernel: kernel,
            stride: try section.integer("stride", default: 1, in: 1...16),
            padding: isPadded ? kernel / 2 : try section.integer("padding", default: 0, in: 0...15),
            isNormalized: try section.integer("batch_normalize", default: 0, in: 0...1) == 1,
            activation: try section.activation(default: "logistic"))
        guard convolution.window <= DarknetLimits.window else {
            throw section.failure(
                "expected a window of at most \(DarknetLimits.window) numbers, found \(kernel)x\(kernel) pixels of "
                    + "\(convolution.inputs) channels")
        }
        func size(_ side: Int) -> Int {
            let padded = side + 2 * convolution.padding
            // 0 where the kernel does not fit, which is refused.
            return padded < kernel ? 0 : (padded - kernel) / convolution.stride + 1
        }
        return (
            .convolutional(convolution),
            DarknetShape(rows: size(last.rows), columns: size(last.columns), channels: convolution.outputs)
        )
    }

    private func route(_ section: DarknetSection) throws(DetectorError) -> (DarknetLayer, DarknetShape) {
        var places: [Int] = []
        let numbers = try section.integers("layers")
        guard numbers.count <= DarknetLimits.route else {
            throw section.failure("expected at most \(DarknetLimits.route) layers, found \(numbers.count)")
        }
        for number in numbers { places.append(try place(number, section)) }
        let groups = try section.integer("groups", default: 1, in: 1...1 << 10)
        let group = try section.integer("group_id", default: 0, in: 0...groups - 1)
        let parts = places.map { shapes[$0] }
        guard parts.allSatisfy({ $0.rows == parts[0].rows && $0.columns == parts[0].columns }),
            parts.allSatisfy({ $0.channels % groups == 0 })
        else {
            throw section.failure(
                "expected layers of one size whose channels \(groups) groups divide, found "
                    + parts.map { "\($0.columns)x\($0.rows)x\($0.channels)" }.joined(separator: ", "))
        }
        var shape = parts[0]
        shape.channels = parts.reduce(0) { $0 + $1.channels / groups }
        return (.route(layers: places, groups: groups, group: group), shape)
    }

    private func shortcut(_ section: DarknetSection) throws(DetectorError) -> (DarknetLayer, DarknetShape) {
        let numbers = try section.integers("from")
        guard numbers.count == 1, !section.has("weights_type") else {
            throw section.failure("expected one layer and no weights, found more")
        }
        let from = try place(numbers[0], section)
        guard shapes[from] == last else {
            throw section.failure("expected a layer of the same size, found another (layer \(from))")
        }
        return (.shortcut(layer: from, activation: try section.activation(default: "linear")), last)
    }

    private func maximumPool(_ section: DarknetSection) throws(DetectorError) -> (DarknetLayer, DarknetShape) {
        let stride = try section.integer("stride", default: 1, in: 1...16)
        let size = try section.integer("size", default: stride, in: 1...64)
        let padding = try section.integer("padding", default: size - 1, in: 0...2 * (size - 1))
        let (before, after) = (padding / 2, padding - padding / 2)
        let window = PoolingWindow(
            size, stride: stride, padding: Padding(top: before, left: before, bottom: after, right: after))
        let pooled = window.size(last.rows, last.columns)
        return (
            .maximumPool(window), DarknetShape(rows: pooled.rows, columns: pooled.columns, channels: last.channels)
        )
    }

    private func upsample(_ section: DarknetSection) throws(DetectorError) -> (DarknetLayer, DarknetShape) {
        let scale = try section.integer("stride", default: 2, in: 1...16)
        return (
            .upsample(scale: scale),
            DarknetShape(rows: scale * last.rows, columns: scale * last.columns, channels: last.channels)
        )
    }

    private func head(_ section: DarknetSection) throws(DetectorError) -> (DarknetLayer, DarknetShape) {
        let anchors = try section.numbers("anchors")
        let count = try section.integer("num", default: 1, in: 1...64)
        guard anchors.count == 2 * count, anchors.allSatisfy({ $0 > 0 }) else {
            throw section.failure(
                "anchors: expected \(2 * count) numbers above 0 for num=\(count), found \(anchors.count)")
        }
        let mask = section.has("mask") ? try section.integers("mask") : Array(0..<count)
        guard mask.allSatisfy({ 0..<count ~= $0 }) else {
            throw section.failure("mask: expected numbers from 0 to \(count - 1), found others")
        }
        guard try section.integer("new_coords", default: 0, in: 0...1) == 0 else {
            throw section.failure("new_coords: expected 0, found 1; give a .cfg file of YOLOv3 or YOLOv4")
        }
        let head = DarknetHead(
            anchors: mask.map { [anchors[2 * $0], anchors[2 * $0 + 1]] },
            classes: try section.integer("classes", default: 20, in: 1...10_000),
            scale: try section.number("scale_x_y", default: 1), suppression: try suppression(section))
        guard last.channels == mask.count * (5 + head.classes) else {
            throw section.failure(
                "expected \(mask.count * (5 + head.classes)) channels before it (\(mask.count) anchors, \(head.classes) "
                    + "classes), found \(last.channels)")
        }
        return (.yolo(head), last)
    }

    private func suppression(
        _ section: DarknetSection
    ) throws(DetectorError) -> NonMaximumSuppression.Measure {
        let beta = try section.number("beta_nms", default: 0.6)
        return try section.word("nms_kind", default: "greedynms", expected: "greedynms or diounms") {
            word -> NonMaximumSuppression.Measure? in
            switch word {
            case "greedynms", "default": .overlap
            case "diounms": .distance(beta: beta)
            default: nil
            }
        }
    }

    /// The index of a layer that a section names: from the end where it is negative.
    private func place(_ number: Int, _ section: DarknetSection) throws(DetectorError) -> Int {
        let place = number < 0 ? layers.count + number : number
        guard layers.indices.contains(place) else {
            throw section.failure("expected layers before this one (there are \(layers.count)), found \(number)")
        }
        return place
    }
}

extension DarknetSection {
    /// The activation; `nil` for none.
    func activation(default preset: String) throws(DetectorError) -> Activation? {
        try word("activation", default: preset, expected: "linear, leaky, mish, relu or logistic") {
            word -> Activation?? in
            switch word {
            case "linear": .some(nil)
            case "leaky": .some(.leakyRelu(slope: 0.1))
            case "mish": .some(.mish)
            case "relu": .some(.relu)
            case "logistic": .some(.sigmoid)
            default: nil
            }
        }
    }
}
