// The memory behind tensors, as a device keeps it.

/// Memory of one device. Its content is written once, by the operation that makes it, before anyone else sees it.
open class Storage: @unchecked Sendable {
    // Sendable: the stored properties are constants, and subclasses write their memory only before they are published.

    /// How many numbers it holds, or would hold if it had not failed.
    public let count: Int
    /// Why it holds none.
    public let failure: DeviceError?
    private let owner: (any Device)?

    /// The device whose memory it is.
    public var device: any Device {
        guard let owner else { preconditionFailure("weights that were not loaded have no device") }
        return owner
    }

    /// Describes memory of `count` numbers.
    public init(count: Int, device: any Device) { (self.count, failure, owner) = (count, nil, device) }

    /// Stands for `count` numbers that could not be computed or stored.
    init(count: Int, device: any Device, failure: DeviceError) {
        (self.count, self.failure, owner) = (count, failure, device)
    }

    private init() { (count, failure, owner) = (0, nil, nil) }

    /// Stands for weights that are only held against their files: no numbers, and no device that could compute with them.
    public static let unloaded = Storage()
}
