// The memory behind tensors, as a device keeps it.

import Synchronization

/// Memory of one device. Its content is written once, by the operation that makes it, before anyone else sees it.
open class Storage: @unchecked Sendable {
    // Sendable: the stored properties are constants, subclasses write their memory only before they are published, and
    // `prepared` is under its own lock.

    /// How many numbers it holds.
    public let count: Int
    /// Who computes with it.
    public let device: any Device
    private let prepared = Mutex<[String: Storage]>([:])

    /// Describes memory of `count` numbers.
    public init(count: Int, device: any Device) {
        self.count = count
        self.device = device
    }

    /// Another form of these numbers, such as convolution weights in the order that a kernel reads them: made at first
    /// use, kept as long as this storage.
    public func prepared(_ form: String, make: () -> Storage) -> Storage {
        prepared.withLock { forms in
            if let form = forms[form] { return form }
            let made = make()
            forms[form] = made
            return made
        }
    }
}
