// The host's processor as a device: products and kernels inside loops over the engine's own threads.

import CKernels
import COpenBLAS
import Foundation
public import Tensors

/// Computes on the cores of this host.
///
/// A sample's numbers are the same bytes in any batch and with any number of threads: kernels add in an order that follows
/// from a layer's shape, and what stands beside a row does not touch it (decisions 0006 and 0007).
public final class CPUDevice: Device, @unchecked Sendable {
    // Sendable: all properties are constants, and the loop and the pool guard themselves.
    let loop: ParallelLoop
    let pool = BufferPool()
    /// What computes matrix products.
    let kernel: ProductKernel

    /// Reproducible; likes what stays in its last cache.
    public let facts: DeviceFacts

    /// How many threads compute; fewer than were asked for where the system starts no more.
    public var threads: Int { loop.lanes }

    /// Takes `threads` threads, by default one a core.
    /// - Parameter kernel: must be available; by default this processor's fastest.
    public init(threads: Int? = nil, kernel: ProductKernel = .fastest) {
        precondition(kernel.isAvailable, "this processor cannot compute with \(kernel)")
        self.kernel = kernel
        openblas_set_num_threads(1)
        loop = ParallelLoop(lanes: threads ?? ProcessInfo.processInfo.activeProcessorCount)
        facts = DeviceFacts(
            name: "cpu-\(kernel.name)", isReproducible: true, positionsTogether: 2048,
            // 16 images of 256x256 pixels, 2 of 800x456. With Stable Diffusion's channels the longest layer, attention among
            // 5,700 positions for 4 texts, is 170 GFLOP.
            positionsInSeconds: 16_384,
            // Transformed images, patches, packed keys and values; and each thread's weights and sums.
            scratchBytes: (128 + 4 * loop.lanes) << 20)
    }

    deinit { loop.stop() }

    /// What the host has available, or the control group's limit where that is less.
    public var freeBytes: Int { HostMemory.availableBytes() }

    /// Returns the memory that no tensor uses to the system.
    public func releaseIdleMemory() { pool.releaseIdle() }

    // MARK: Memory

    /// Copies into memory of the pool.
    public func store(_ values: [Float]) throws(DeviceError) -> Storage {
        let storage = try HostStorage(count: values.count, pool: pool, device: self)
        unsafe values.withUnsafeBufferPointer { source in
            if let first = source.baseAddress { unsafe storage.base.update(from: first, count: source.count) }
        }
        return storage
    }

    /// Fills memory of the pool.
    public func store(repeating value: Float, count: Int) throws(DeviceError) -> Storage {
        let storage = try HostStorage(count: count, pool: pool, device: self)
        unsafe storage.base.update(repeating: value, count: count)
        return storage
    }

    /// Uses the memory where it lies.
    public func store(
        mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable
    ) -> Storage {
        unsafe HostStorage(mapping: floats, count: count, owner: owner, device: self)
    }

    /// Copies the numbers out.
    public func floats(of tensor: Tensor) throws(DeviceError) -> [Float] {
        unsafe Array(UnsafeBufferPointer(start: try read(tensor), count: tensor.count))
    }

    // MARK: Inside

    /// Where a tensor's numbers lie.
    func read(_ tensor: Tensor) throws(DeviceError) -> UnsafePointer<Float> {
        if let panels = tensor.storage as? PanelStorage {
            return unsafe UnsafePointer(try turn(panels).base + tensor.offset)
        }
        guard let storage = tensor.storage as? HostStorage else {
            preconditionFailure("tensor of \(tensor.device.facts.name) given to \(facts.name)")
        }
        return unsafe UnsafePointer(storage.base + tensor.offset)
    }

    /// The same for a tensor that need not be there.
    func read(_ tensor: Tensor?) throws(DeviceError) -> UnsafePointer<Float>? {
        guard let tensor else { return nil }
        return unsafe try read(tensor)
    }

    /// A new tensor, filled by `body` before anyone sees it.
    func make(
        _ shape: [Int], _ body: (UnsafeMutablePointer<Float>) throws(DeviceError) -> Void
    ) throws(DeviceError) -> Tensor {
        let storage = try HostStorage(count: shape.reduce(1, *), pool: pool, device: self)
        unsafe try body(storage.base)
        return Tensor(storage: storage, shape: shape)
    }

    /// Scratch memory of `count` numbers for each lane while `body` runs.
    func withScratch<Result>(
        _ count: Int, _ body: (_ lane: (Int) -> UnsafeMutablePointer<Float>) -> Result
    ) throws(DeviceError) -> Result {
        let each = (count + 15) / 16 * 16
        let buffer = unsafe try pool.take(each * loop.lanes)
        defer { unsafe pool.giveBack(buffer) }
        return unsafe body { lane in unsafe buffer.base + lane * each }
    }

    /// Multiplications that take less time than waking the other threads.
    static let smallWork = 1 << 16

    /// Runs `body` on pieces of `0..<count` of at most `size`, cut in the same places whatever the number of threads.
    func forEachPiece(of count: Int, size: Int, _ body: (_ start: Int, _ length: Int) -> Void) {
        loop.run((count + size - 1) / size) { piece, _ in
            let start = piece * size
            body(start, min(size, count - start))
        }
    }
}
