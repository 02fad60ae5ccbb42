// How large a darknet network may be: known from its .cfg file, before anything is made for it.

/// Several times what published detectors have; YOLOv4 of 608x608 pixels has 162 layers, 64 million parameters and 25 million
/// numbers at once.
enum DarknetLimits {
    /// Layers.
    static let layers = 2048
    /// Layers that a route joins.
    static let route = 64
    /// Numbers that one output of a convolution is the sum of; patches of several hundred outputs lie in memory.
    static let window = 1 << 18
    /// Numbers in the weight file: 4 GiB.
    static let parameters = 1 << 30
    /// Numbers that the layers' outputs for one picture have at once: 4 GiB.
    static let numbers = 1 << 30

    /// The last layer that reads each layer's output.
    static func lastUse(_ layers: [DarknetLayer]) -> [Int] {
        var lastUse = layers.indices.map { $0 + 1 }
        for (index, layer) in layers.enumerated() {
            switch layer {
            case .route(let layers, _, _): for place in layers { lastUse[place] = max(lastUse[place], index) }
            case .shortcut(let place, _): lastUse[place] = max(lastUse[place], index)
            // What stands before a head is read at the end.
            case .yolo: lastUse[max(index - 1, 0)] = layers.count
            default: break
            }
        }
        return lastUse
    }

    /// The picture's numbers and those of all outputs that are still to be read, where they are most.
    static func numbersAtOnce(
        _ input: DarknetShape, _ layers: [DarknetLayer], _ shapes: [DarknetShape], lastUse: [Int]
    ) -> Int {
        var freed = [Int](repeating: 0, count: layers.count + 1)
        var (now, most) = (input.count, input.count)
        for (index, layer) in layers.enumerated() {
            // A head gives on what it gets.
            let count = if case .yolo = layer { 0 } else { shapes[index].count }
            now += count
            most = max(most, now)
            freed[lastUse[index]] += count
            now -= freed[index]
        }
        return most
    }

    /// Throws ``DetectorError`` for a network that is larger.
    static func check(_ network: DarknetConfiguration, path: String) throws(DetectorError) {
        guard network.parameters <= parameters else {
            throw DetectorError(
                .content,
                "\(path): expected convolutions of at most \(parameters) numbers together, found "
                    + "\(network.parameters); give the .cfg file that came with the weights")
        }
        guard network.numbersAtOnce <= numbers else {
            throw DetectorError(
                .content,
                "\(path): expected layers that hold at most \(numbers) numbers at once, found \(network.numbersAtOnce) "
                    + "for \(network.width)x\(network.height) pixels; give a smaller width and height in [net]")
        }
    }
}
