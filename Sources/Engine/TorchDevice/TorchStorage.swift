// Memory that libtorch keeps.

import CTorch
import Tensors

/// A storage of the table of functions, released on the thread that calls them.
@safe final class TorchStorage: Storage, @unchecked Sendable {
    // Sendable: an address that only the library's thread follows.
    let handle: OpaquePointer
    /// Whether it was made while a computation was written down, whose graph keeps its memory.
    let isRecorded: Bool
    private let library: TorchLibrary

    /// Takes over what a function has made.
    init(_ handle: OpaquePointer, count: Int, device: TorchDevice) {
        unsafe self.handle = handle
        isRecorded = device.isRecording
        library = device.library
        super.init(count: count, device: device)
    }

    deinit {
        // Its turn comes before that of any operation that is asked for from now on.
        let address = unsafe Int(bitPattern: handle)
        let library = library
        library.thread.post { unsafe library.functions.release(OpaquePointer(bitPattern: address)) }
    }
}
