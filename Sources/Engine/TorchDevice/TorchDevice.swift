// A device of libtorch: this host's processor, or a GPU.

import CTorch
import Foundation
public import Tensors

/// Computes with libtorch.
///
/// Its numbers depend on the batch in the last bits, so it does not say that it is reproducible.
public final class TorchDevice: Device, @unchecked Sendable {
    // Sendable: all properties but `recordings` are constants, and functions run on the library's thread. `recordings` is set before
    // the device is shared, and used by who holds `turn`.

    /// What computes.
    public let library: TorchLibrary
    /// Which of its devices.
    public let place: TorchPlace
    /// How numbers are kept.
    public let precision: TorchPrecision
    /// Not reproducible; a GPU likes nearly everything at once.
    public let facts: DeviceFacts
    private let context: torch_context
    /// Held by whoever tells the device something; for a whole recording by whoever records.
    let turn = NSRecursiveLock()
    /// Where computations can be written down; it and what it keeps live as long as the process.
    private(set) var recordings: TorchRecordings?

    /// Begins with a device.
    /// - Parameters:
    ///   - library: must have been opened for GPUs, for one.
    ///   - place: which device.
    ///   - precision: how weights and activations are kept.
    ///   - threads: that compute on the processor, for all devices of the process; by default libtorch's own number.
    public init(
        _ library: TorchLibrary, _ place: TorchPlace = .processor, precision: TorchPrecision = .float32,
        threads: Int? = nil
    ) throws(DeviceError) {
        precondition(place == .processor || library.hasGPUs, "\(place): the library was opened without GPUs")
        (self.library, self.place, self.precision) = (library, place, precision)
        let context = torch_context(device: place.number, format: precision.number, flags: 0)
        self.context = context
        let kind: String
        switch place {
        case .processor: kind = "cpu"
        case .gpu(let index): kind = try library.gpu(index).slug
        }
        facts = Self.facts(name: "torch-\(library.installation.version)-\(kind)-\(precision)", place, precision)
        try library.call {
            unsafe withUnsafePointer(to: context) { context in
                unsafe library.functions.begin(context, Int32(threads ?? 0))
            }
        }
    }

    /// Lets a GPU repeat computations as CUDA graphs, before anybody computes with it.
    /// - Returns: false where ops/build-torch found no headers of CUDA, and made no library for them.
    @discardableResult
    public func prepareGraphs() throws(TorchError) -> Bool {
        guard place != .processor, let graphs = try CUDAGraphs(library, context) else { return false }
        prepare(graphs)
        return true
    }

    /// The same with any graphs.
    func prepare(_ graphs: any TorchGraphs) { recordings = TorchRecordings(graphs, device: self) }

    private static func facts(name: String, _ place: TorchPlace, _ precision: TorchPrecision) -> DeviceFacts {
        let isProcessor = place == .processor
        return DeviceFacts(
            name: name, isReproducible: false,
            // A GPU takes all images of a batch through the U-Net together, and 11 of 800x456 pixels through the decoder, whose
            // finest layers would otherwise decide how many fit into memory.
            positionsTogether: isProcessor ? 2048 : 1 << 22,
            positionsInSeconds: isProcessor ? 16_384 : nil, bytesPerWeight: precision.bytes,
            bytesPerNumber: precision.bytes,
            // Repacked weights and unfolded images on the processor; work spaces of cuBLAS and cuDNN on a GPU.
            scratchBytes: isProcessor ? 512 << 20 : 1 << 30)
    }

    /// What the GPU has left for this process, or the host has available.
    public var freeBytes: Int {
        guard place != .processor else { return HostMemory.availableBytes() }
        var bytes: Int64 = 0
        let answer = Result { () throws(DeviceError) in
            unsafe try call { context in unsafe library.functions.free_bytes(context, &bytes) }
        }
        // A GPU that does not even say has nothing for anybody.
        return (try? answer.get()) == nil ? 0 : Int(bytes)
    }

    /// Returns the memory that no tensor uses to the system.
    public func releaseIdleMemory() {
        // A GPU that is lost has none; the next operation says so.
        _ = Result { () throws(DeviceError) in
            unsafe try call { context in unsafe library.functions.release_idle(context) }
        }
    }

    // MARK: Memory

    /// Copies, through pinned memory to a GPU.
    public func store(_ values: [Float]) throws(DeviceError) -> Storage {
        unsafe try storage(count: values.count) { context, result in
            unsafe values.withUnsafeBufferPointer { floats in
                unsafe library.functions.from_floats(context, floats.baseAddress, Int64(floats.count), result)
            }
        }
    }

    /// Fills memory on the device.
    public func store(repeating value: Float, count: Int) throws(DeviceError) -> Storage {
        unsafe try storage(count: count) { context, result in
            unsafe library.functions.filled(context, value, Int64(count), result)
        }
    }

    /// Uses float32 on the processor where it lies; copies what is converted, or goes to a GPU.
    public func store(
        mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable
    ) throws(DeviceError) -> Storage {
        let kept = unsafe Unmanaged<AnyObject>.passRetained(owner)
        return unsafe try storage(count: count) { context, result in
            unsafe library.functions.mapped(
                context, floats, Int64(count), { unsafe Unmanaged<AnyObject>.fromOpaque($0!).release() },
                kept.toOpaque(), result)
        }
    }

    /// Copies the numbers out, as float32.
    public func floats(of tensor: Tensor) throws(DeviceError) -> [Float] {
        var argument = unsafe argument(tensor)
        var floats = [Float](repeating: 0, count: tensor.count)
        unsafe try call { context in
            unsafe floats.withUnsafeMutableBufferPointer { floats in
                unsafe library.functions.to_floats(context, &argument, floats.baseAddress)
            }
        }
        return floats
    }

    // MARK: Inside

    /// A tensor as the functions take it.
    func argument(_ tensor: Tensor) -> torch_tensor {
        guard let storage = tensor.storage as? TorchStorage, storage.device === self else {
            preconditionFailure("tensor of \(tensor.device.facts.name) given to \(facts.name)")
        }
        recordings?.note(storage)
        precondition(tensor.shape.count <= TORCH_MOST_DIMENSIONS, "a tensor of shape \(tensor.shape)")
        var result = unsafe torch_tensor()
        unsafe result.storage = storage.handle
        unsafe result.offset = Int64(tensor.offset)
        unsafe result.rank = Int32(tensor.shape.count)
        unsafe withUnsafeMutableBytes(of: &result.shape) { bytes in
            for (index, size) in tensor.shape.enumerated() {
                unsafe bytes.storeBytes(of: Int64(size), toByteOffset: 8 * index, as: Int64.self)
            }
        }
        return unsafe result
    }

    /// The same for a tensor that need not be there.
    func argument(_ tensor: Tensor?) -> torch_tensor { unsafe tensor.map { unsafe argument($0) } ?? torch_tensor() }

    /// Calls a function with this device's context.
    func call(_ body: (UnsafePointer<torch_context>) -> Int32) throws(DeviceError) {
        turn.lock()
        defer { turn.unlock() }
        do {
            try library.call { unsafe withUnsafePointer(to: context) { context in unsafe body(context) } }
        } catch {
            if error.code == .outOfMemory, !isRecording { recordings?.removeAll() }
            throw error
        }
    }

    /// A new storage, which `body` makes.
    func storage(
        count: Int, _ body: (UnsafePointer<torch_context>, UnsafeMutablePointer<OpaquePointer?>) -> Int32
    ) throws(DeviceError) -> TorchStorage {
        var handle: OpaquePointer?
        unsafe try call { context in unsafe body(context, &handle) }
        guard let handle = unsafe handle else { preconditionFailure("\(facts.name): a call gave no storage") }
        return unsafe TorchStorage(handle, count: count, device: self)
    }

    /// A new tensor, which `body` makes.
    func make(
        _ shape: [Int], _ body: (UnsafePointer<torch_context>, UnsafeMutablePointer<OpaquePointer?>) -> Int32
    ) throws(DeviceError) -> Tensor {
        Tensor(storage: unsafe try storage(count: shape.reduce(1, *), body), shape: shape)
    }
}
