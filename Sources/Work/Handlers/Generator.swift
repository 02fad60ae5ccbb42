// The generator plug-in protocol: three functions that make images from layout tasks.

public import Pixels
public import Tasks

/// What a generator is and takes.
public struct GeneratorDescription: Sendable, Hashable {
    /// As given to `--generator`.
    public var name: String
    /// SHA-256 over its checkpoint's weight files in hexadecimal, where it has a checkpoint.
    public var checkpointDigest: String?
    /// The most images of one call, at least 1.
    public var maximumBatch: Int
    /// Kind of device, library versions and engine version: equal classes give equal images for equal seeds.
    public var deviceClass: String
    /// Whether it keeps that to the byte; some devices only nearly do.
    public var isReproducible: Bool

    /// Describes a generator.
    public init(
        name: String, checkpointDigest: String? = nil, maximumBatch: Int, deviceClass: String,
        isReproducible: Bool = true
    ) {
        self.name = name
        self.checkpointDigest = checkpointDigest
        self.maximumBatch = maximumBatch
        self.deviceClass = deviceClass
        self.isReproducible = isReproducible
    }
}

/// Why one image could not be made.
public struct GenerationFailure: Error, Sendable, CustomStringConvertible {
    /// One line.
    public let description: String
    /// Whether another attempt cannot help.
    public let isPermanent: Bool

    /// Describes a failure.
    public init(_ description: String, isPermanent: Bool) {
        self.description = description
        self.isPermanent = isPermanent
    }
}

/// A way to make images from layout tasks: in this process, or as its own program.
public protocol Generator: Sendable {
    /// What it is and how much it takes at once.
    func describe() -> GeneratorDescription

    /// Loads what it needs; runs once, before the first batch.
    func prepare() async throws

    /// Makes one image per task, in the order of the tasks, each of the specification's width and height. An image
    /// depends on its task and the specification alone, never on its batch. Runs on the generator's own thread and
    /// looks for cancellation at least every few seconds.
    func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification
    ) async throws -> [Result<Image, GenerationFailure>]
}
