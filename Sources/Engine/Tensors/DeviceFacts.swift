// What a device says of itself to those who plan its work.

/// What a device is and what it likes; the same for as long as it lives.
public struct DeviceFacts: Sendable, Hashable {
    /// The kind of device and whatever else decides its numbers, as in `cpu-fma`: kernels, library versions, number formats.
    public var name: String
    /// Whether a request gives the same bytes in any batch, and on every device of this name.
    public var isReproducible: Bool
    /// How many positions (rows times columns, over the whole batch) it likes to take through several layers together: with
    /// more, what one layer leaves for the next would not stay in its cache. `nil`: all of them.
    public var positionsTogether: Int?
    /// With how many positions of latents (over the whole batch) a layer of a large model takes seconds at most, so that work
    /// can end soon between two layers. `nil`: any that fit into memory.
    public var positionsInSeconds: Int?
    /// Bytes of a number in stored weights.
    public var bytesPerWeight: Int
    /// Bytes of a number in an operation's result.
    public var bytesPerNumber: Int
    /// About how many bytes operations take for a while beside their results.
    public var scratchBytes: Int

    /// A device of float32 numbers that takes everything at once and makes no promise about bytes, unless told otherwise.
    public init(
        name: String, isReproducible: Bool = false, positionsTogether: Int? = nil, positionsInSeconds: Int? = nil,
        bytesPerWeight: Int = 4, bytesPerNumber: Int = 4, scratchBytes: Int = 0
    ) {
        self.name = name
        self.isReproducible = isReproducible
        self.positionsTogether = positionsTogether
        self.positionsInSeconds = positionsInSeconds
        self.bytesPerWeight = bytesPerWeight
        self.bytesPerNumber = bytesPerNumber
        self.scratchBytes = scratchBytes
    }
}
