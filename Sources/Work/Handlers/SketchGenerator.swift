// The generator `sketch`: draws the layout, deterministic by seed. The dry run of a real job.

import Executors
import Layouts
public import Pixels
public import Tasks

/// Draws each object as a box in its category's color with its name, over a background made from the seed.
///
/// It needs no model, takes milliseconds, and passes through everything that a real job passes through.
public actor SketchGenerator: Generator {
    private let thread = DedicatedThread(name: GeneratorName.sketch)
    private let maximumBatch: Int

    /// Runs on its own thread.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    /// Makes a generator that takes up to `maximumBatch` tasks at once.
    public init(maximumBatch: Int = 16) { self.maximumBatch = maximumBatch }

    /// Its device class does not name the machine: the same bytes come out everywhere.
    public nonisolated func describe() -> GeneratorDescription {
        GeneratorDescription(
            name: GeneratorName.sketch, maximumBatch: maximumBatch, deviceClass: "\(GeneratorName.sketch)-1")
    }

    /// Has nothing to load.
    public func prepare() async throws {}

    /// Draws the tasks one after the other.
    public func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) async throws -> [Result<Image, GenerationFailure>] {
        try tasks.map { task in
            try Task.checkCancellation()
            return .success(Self.draw(task, width: specification.width, height: specification.height))
        }
    }

    /// The picture of one layout, `height` x `width` pixels.
    static func draw(_ task: LayoutTask, width: Int, height: Int) -> Image {
        var image = Image(backdropOf: width, height: height, seed: task.seed)
        let boxes = task.layout.boxes(inWidth: width, height: height)
        // Large objects first, so that small ones stay visible on top of them.
        let order = boxes.indices.sorted { (boxes[$0].area, $1) > (boxes[$1].area, $0) }
        image.drawLabelledBoxes(
            order.map { index in
                let object = task.layout.objects[index]
                let box = boxes[index]
                return LabelledBox(
                    rectangle: Rectangle(roundingX: box.x, y: box.y, width: box.width, height: box.height),
                    label: object.category, color: .distinct(index: object.categoryID, of: 91))
            })
        return image
    }
}
