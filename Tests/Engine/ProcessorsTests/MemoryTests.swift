// Memory that the system does not have, and memory that lies idle.

import Tensors
import TestDevices
import Testing

@testable import Processors

@Suite struct MemoryTests {
    /// Half of the addresses that a process has: no system gives as much.
    private static let tooMany = 1 << 44

    @Test func moreThanTheSystemHasFailsTheOperationAndNotTheProcess() throws {
        let device = CPUDevice(threads: 1)
        let tensor = Tensor(repeating: 0, shape: [Self.tooMany], device: device)
        let error = try #require(throws: DeviceError.self) { try tensor.floats() }
        #expect(error.code == .outOfMemory)
        #expect(
            error.description.hasPrefix("store [\(Self.tooMany)]: the system has no \(Self.tooMany * 4) bytes for it"))
        // A table of two numbers, shown as an image of many.
        let pixel = Tensor([1, 2], shape: [1, 1, 1, 2], device: device)
        let wide = pixel.upsampledNearest(rows: 1 << 21, columns: 1 << 22)
        #expect(wide.failure?.code == .outOfMemory && wide.shape == [1, 1 << 21, 1 << 22, 2])
        #expect(try (pixel + pixel).floats() == [2, 4], "the device goes on")
    }

    /// What lies idle in buffers of other sizes may be what is missing.
    @Test func idleMemoryGoesBackBeforeMoreIsRefused() throws {
        let pool = BufferPool()
        let buffer = unsafe try pool.take(1 << 20)
        unsafe buffer.base[0] = 1
        unsafe pool.giveBack(buffer)
        #expect(throws: DeviceError.self) { unsafe try pool.take(Self.tooMany) }
        let next = unsafe try pool.take(1 << 20)
        #expect(unsafe next.base[0] == 0, "fresh from the system")
        unsafe pool.giveBack(next)
    }
}
