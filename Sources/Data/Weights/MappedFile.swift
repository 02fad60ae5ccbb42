// A file in memory, read only.

import CMappings
import Foundation

/// A whole file mapped read-only and shared, so that processes that read the same weights share their pages.
///
/// Replace such a file by renaming another over it. Whoever writes to it in place changes what every process reads; what
/// cannot be read any more, as after it was shortened, is zeros and makes ``isDamaged`` true.
///
/// `@safe` and `@unchecked Sendable`: `base` is set once, points at `count` bytes that nobody in this process writes, and
/// is valid from init to deinit; every use in between holds the object.
@safe final class MappedFile: @unchecked Sendable {
    /// As the caller gave it.
    let path: String
    /// Bytes of the file.
    let count: Int
    /// The file when it was opened.
    let identity: FileIdentity
    private let descriptor: Int32
    private let mapping: OpaquePointer
    private let base: UnsafeRawPointer

    /// Maps a regular file that is not empty.
    init(path: String) throws(WeightError) {
        // Without O_NONBLOCK a pipe would wait for its writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let number = errno
            if let broken = FilePresence.brokenLink(to: path) { throw broken }
            errno = number
            throw .system("open", path, fix: "check the path and the permissions")
        }
        do throws(WeightError) {
            (identity, unsafe mapping) = unsafe try Self.map(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        count = identity.size
        unsafe base = mapping_bytes(mapping)
    }

    private static func map(_ descriptor: Int32, _ path: String) throws(WeightError) -> (FileIdentity, OpaquePointer) {
        let facts = try facts(descriptor, path)
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw WeightError(
                .file,
                "\(WeightError.shown(path)): expected a weight file, found a folder or device; name the file itself")
        }
        guard facts.st_size > 0 else {
            throw .content(path, "file", expected: "a safetensors file or a torch zip pickle", found: "0 bytes")
        }
        guard let mapping = unsafe mapping_create(descriptor, Int(facts.st_size)) else {
            throw .system("map", path, fix: "allow more address space (ulimit -v), or copy the file to a local disc")
        }
        return unsafe (FileIdentity(facts), mapping)
    }

    private static func facts(_ descriptor: Int32, _ path: String) throws(WeightError) -> stat {
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else {
            throw .system("look at", path, fix: "check the file system")
        }
        return facts
    }

    deinit {
        unsafe mapping_destroy(mapping)
        close(descriptor)
    }

    /// The mapped file as it is now, whatever has its name; throws where its file system has lost it.
    func currentIdentity() throws(WeightError) -> FileIdentity { FileIdentity(try Self.facts(descriptor, path)) }

    /// Whether somebody read bytes that the file did not give, and got zeros.
    var isDamaged: Bool { unsafe mapping_is_damaged(mapping) }

    /// Reads the file itself, past the mapping: bytes from `offset` on, as many as there are and fit.
    /// - Returns: how many, 0 at the file's end.
    func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(WeightError) -> Int {
        while true {
            let count = unsafe pread(descriptor, bytes.baseAddress, bytes.count, off_t(offset))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .system("read", path, fix: "check the disc") }
            return count
        }
    }

    /// The bytes of `range` in place; valid while the object lives.
    func view(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "the bytes are in the file")
        return unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    /// A copy of the bytes of `range`; for headers and other small parts.
    func copy(_ range: Range<Int>) -> [UInt8] { unsafe [UInt8](view(range)) }
}
