// The generator `blank`: flat images after a wait. For measuring everything around a generator.

public import Pixels
public import Tasks

/// Makes a flat image for each task, as late as it is told.
///
/// What is left of the time is the worker's own: claiming, storing, recording.
public struct BlankGenerator: Generator {
    /// How the images are colored.
    public enum Coloring: Sendable {
        /// Every image is the same, so that it is stored once and the catalogue's work remains.
        case same
        /// Each seed's image is another, so that each is stored and synced.
        case bySeed
    }

    private let maximumBatch: Int
    private let delay: Duration
    private let coloring: Coloring

    /// Makes a generator that takes up to `maximumBatch` tasks at once.
    /// - Parameter delay: how long an image takes; a batch takes as many of it as it has tasks.
    public init(maximumBatch: Int, delay: Duration = .zero, coloring: Coloring = .same) {
        self.maximumBatch = maximumBatch
        self.delay = delay
        self.coloring = coloring
    }

    /// The coloring is part of the device class, since it changes the bytes.
    public func describe() -> GeneratorDescription {
        GeneratorDescription(
            name: GeneratorName.blank, maximumBatch: maximumBatch,
            deviceClass: coloring == .same ? "\(GeneratorName.blank)-1" : "\(GeneratorName.blank)-by-seed-1")
    }

    /// Has nothing to load.
    public func prepare() async throws {}

    /// Waits as a device would compute, then fills.
    public func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) async throws -> [Result<Image, GenerationFailure>] {
        if delay > .zero { try await Task.sleep(for: delay * tasks.count) }
        return tasks.map { task in
            .success(
                Image(width: specification.width, height: specification.height, fill: color(of: task.seed)))
        }
    }

    private func color(of seed: UInt64) -> Color {
        guard coloring == .bySeed else { return Color(red: 128, green: 128, blue: 128) }
        return Color(
            red: UInt8(truncatingIfNeeded: seed), green: UInt8(truncatingIfNeeded: seed >> 8),
            blue: UInt8(truncatingIfNeeded: seed >> 16))
    }
}
