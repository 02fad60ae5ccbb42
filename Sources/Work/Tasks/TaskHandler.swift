// The plug-in protocol: what a kind of task must provide to run through the worker loop.

/// What a handler is and takes.
public struct HandlerDescription: Sendable, Hashable {
    /// What it does.
    public var kind: TaskKind
    /// What its queues are keyed by.
    public var capability: Capability
    /// The most tasks one call of `compute` takes, at least 1.
    public var maximumBatch: Int
    /// Kind of device, library versions and engine version: equal classes give equal bytes for equal seeds.
    public var deviceClass: String
    /// Whether it keeps that to the byte; only then is what is made again compared with the recorded bytes.
    public var isReproducible: Bool
    /// Whether `compute` occupies the device. Work without a device is done beside it, one batch at a time.
    public var needsDevice: Bool

    /// Describes a handler.
    public init(
        kind: TaskKind, capability: Capability, maximumBatch: Int, deviceClass: String, isReproducible: Bool = true,
        needsDevice: Bool = true
    ) {
        precondition(maximumBatch >= 1, "a handler takes at least one task at a time")
        self.kind = kind
        self.capability = capability
        self.maximumBatch = maximumBatch
        self.deviceClass = deviceClass
        self.isReproducible = isReproducible
        self.needsDevice = needsDevice
    }
}

/// A kind of task as a plug-in of the worker loop.
public protocol TaskHandler<Work>: Sendable {
    /// What a task of this kind has to do, as its payload says; `Void` for kinds that ask the catalogue.
    associatedtype Work: Sendable

    /// What it serves and how much at once.
    var description: HandlerDescription { get }

    /// Loads what it needs; runs once before the first claim.
    func prepare() async throws

    /// Reads what a task has to do. Throws for a payload that no producer of this kind writes; such a task fails for good,
    /// and its neighbours go on.
    func decode(_ payload: [UInt8]) throws -> Work

    /// The part that owns the device: one batch at a time. It returns the second half, which stores the results and may
    /// overlap the computing of the next batch. Either half may throw when the batch as a whole failed; a failure of
    /// one task is an outcome. Cancellation means: stop soon, the batch will be given back.
    func compute(_ batch: DecodedBatch<Work>) async throws -> StoreResults
}

extension TaskHandler {
    /// Whether `compute` occupies the device.
    public var needsDevice: Bool { description.needsDevice }
}

extension TaskHandler where Work == Void {
    /// There is nothing to read.
    public func decode(_ payload: [UInt8]) {}
}

/// Stores what `compute` made, and says what became of every task of the batch.
public typealias StoreResults = @Sendable () async throws -> [TaskResult]

/// The surroundings failed, not the task: the disc is full, the object directory is away. The worker keeps the results,
/// waits and tries again; no attempt is counted.
public struct WorkPaused: Error, CustomStringConvertible, Sendable {
    /// One line: what is missing and how to bring it back.
    public let description: String

    /// Says why work pauses.
    public init(_ description: String) { self.description = description }
}

/// This worker can do no more work of this kind, and others can: its weights have changed, its device is gone. It gives
/// the batch back, so that no attempt is counted, and ends with the cause's line and exit code.
public struct WorkerUnfit: Error, CustomStringConvertible, Sendable {
    /// What has happened.
    public let cause: any Error

    /// The cause's one line.
    public var description: String { "\(cause)" }

    /// Ends the worker because of `cause`.
    public init(_ cause: any Error) { self.cause = cause }
}
