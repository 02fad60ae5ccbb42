// A file in memory, read only.

import Foundation

/// A whole file mapped read-only and shared, so that processes that read the same weights share their pages.
///
/// Replace such a file by renaming another over it: who shortens it in place kills every process that reads it.
///
/// `@safe` and `@unchecked Sendable`: `base` is set once, points at `count` bytes that nobody in this process writes, and
/// is valid from init to deinit; every use in between holds the object.
@safe final class MappedFile: @unchecked Sendable {
    /// As the caller gave it.
    let path: String
    /// Bytes of the file.
    let count: Int
    private let base: UnsafeRawPointer

    /// Maps a regular file that is not empty.
    init(path: String) throws(WeightError) {
        // Without O_NONBLOCK a pipe would wait for its writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .system("open", path, fix: "check the path and the permissions")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else {
            throw .system("look at", path, fix: "check the file system")
        }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw WeightError(
                .file,
                "\(WeightError.shown(path)): expected a weight file, found a folder or device; name the file itself")
        }
        guard facts.st_size > 0 else {
            throw .content(path, "file", expected: "a safetensors file or a torch zip pickle", found: "0 bytes")
        }
        let size = Int(facts.st_size)
        guard let mapped = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0), unsafe mapped != MAP_FAILED
        else {
            throw .system("map", path, fix: "allow more address space (ulimit -v), or copy the file to a local disc")
        }
        self.path = path
        count = size
        unsafe base = UnsafeRawPointer(mapped)
    }

    deinit { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }

    /// The bytes of `range` in place; valid while the object lives.
    func view(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "the bytes are in the file")
        return unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    /// A copy of the bytes of `range`; for headers and other small parts.
    func copy(_ range: Range<Int>) -> [UInt8] { unsafe [UInt8](view(range)) }
}
