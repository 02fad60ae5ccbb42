// The memory behind tensors, as a device keeps it.

/// Memory of one device. Its content is written once, by the operation that makes it, before anyone else sees it.
open class Storage: @unchecked Sendable {
    // Sendable: the stored properties are constants, and subclasses write their memory only before they are published.

    /// How many numbers it holds.
    public let count: Int
    /// The device whose memory it is.
    public let device: any Device
    /// Describes memory of `count` numbers.
    public init(count: Int, device: any Device) {
        self.count = count
        self.device = device
    }
}
