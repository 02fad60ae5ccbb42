// Memory for activations that is kept: a fresh 64 MB buffer costs 40 ms of page faults, a kept one 4 ms.

import Foundation
import Synchronization
import Tensors

/// Hands out aligned memory, and keeps what comes back for the next request of the same size class.
@safe final class BufferPool: Sendable {
    /// Memory of `capacity` numbers; its content is undefined.
    @unsafe struct Buffer: @unchecked Sendable {
        // Sendable: an address; the holder of the buffer decides which thread writes.
        let base: UnsafeMutablePointer<Float>
        let capacity: Int
    }

    private let idle = unsafe Mutex<[Int: [Buffer]]>([:])

    /// Memory for at least `count` numbers, aligned to 64 bytes.
    func take(_ count: Int) throws(DeviceError) -> Buffer {
        let capacity = Self.capacity(for: count)
        if let kept = unsafe idle.withLock({ idle in unsafe idle[capacity]?.popLast() }) { return unsafe kept }
        if let base = unsafe Self.allocate(capacity) { return unsafe Buffer(base: base, capacity: capacity) }
        // Buffers of other sizes may lie idle.
        releaseIdle()
        guard let base = unsafe Self.allocate(capacity) else {
            throw DeviceError(
                .outOfMemory,
                "the system has no \(capacity * MemoryLayout<Float>.stride) bytes for it; take smaller images or batches"
            )
        }
        return unsafe Buffer(base: base, capacity: capacity)
    }

    /// Keeps memory that `take` gave.
    func giveBack(_ buffer: Buffer) {
        unsafe idle.withLock { idle in unsafe idle[buffer.capacity, default: []].append(buffer) }
    }

    /// Returns all kept memory to the system.
    func releaseIdle() {
        let all = unsafe idle.withLock { idle in
            defer { unsafe idle = [:] }
            return unsafe idle.values.flatMap { unsafe $0 }
        }
        unsafe all.forEach { unsafe Self.free($0) }
    }

    /// Memory of the size of a large page or more comes from the system itself, so that it goes back there at once: the C
    /// library would keep the pages of what it gets back.
    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Float>? {
        let bytes = capacity * MemoryLayout<Float>.stride
        guard bytes >= largePage else {
            var memory: UnsafeMutableRawPointer?
            guard unsafe posix_memalign(&memory, 64, bytes) == 0, let memory = unsafe memory else { return nil }
            return unsafe memory.assumingMemoryBound(to: Float.self)
        }
        let mapped = unsafe mmap(
            nil, bytes + largePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { return nil }
        // What lies before the first large page, and behind the last number, is given back.
        let before = (largePage - Int(bitPattern: mapped) % largePage) % largePage
        let base = unsafe mapped + before
        let end = (bytes + smallPage - 1) / smallPage * smallPage
        if before > 0 { unsafe munmap(mapped, before) }
        if before + end < bytes + largePage { unsafe munmap(base + end, bytes + largePage - before - end) }
        // A quarter of the page faults' cost, where the system allows large pages.
        unsafe madvise(base, bytes, MADV_HUGEPAGE)
        return unsafe base.assumingMemoryBound(to: Float.self)
    }

    private static func free(_ buffer: Buffer) {
        let bytes = unsafe buffer.capacity * MemoryLayout<Float>.stride
        if bytes >= largePage {
            unsafe munmap(buffer.base, bytes)
        } else {
            unsafe Foundation.free(buffer.base)
        }
    }

    private static let largePage = 1 << 21
    private static let smallPage = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// The size class: eight steps between two powers of two, so at most an eighth lies idle.
    static func capacity(for count: Int) -> Int {
        let least = max(count, 1024)
        let step = max(1 << (Int.bitWidth - 1 - least.leadingZeroBitCount - 3), 128)
        return (least + step - 1) / step * step
    }

    deinit { releaseIdle() }
}

/// Storage in the host's memory: from the pool, or someone else's that never changes.
@safe final class HostStorage: Storage, @unchecked Sendable {
    // Sendable: written before it is published, as the base class asks.
    let base: UnsafeMutablePointer<Float>
    private let buffer: BufferPool.Buffer?
    private let pool: BufferPool?
    private let owner: (any AnyObject & Sendable)?

    /// Takes memory from the pool.
    init(count: Int, pool: BufferPool, device: any Device) throws(DeviceError) {
        let taken = unsafe try pool.take(count)
        unsafe buffer = taken
        unsafe base = taken.base
        self.pool = pool
        owner = nil
        super.init(count: count, device: device)
    }

    /// Uses memory that `owner` keeps and nobody writes.
    init(
        mapping floats: UnsafePointer<Float>, count: Int, owner: any AnyObject & Sendable, device: any Device
    ) {
        unsafe base = UnsafeMutablePointer(mutating: floats)
        unsafe buffer = nil
        pool = nil
        self.owner = owner
        super.init(count: count, device: device)
    }

    deinit {
        if let buffer = unsafe buffer { unsafe pool?.giveBack(buffer) }
    }
}
