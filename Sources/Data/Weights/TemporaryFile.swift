// A file that appears whole or not at all.

import Foundation

/// A file under construction beside the name that it gets in the end; removed when it does not get there.
final class TemporaryFile {
    private let path: String
    private let temporary: String
    private let descriptor: Int32
    private var isCommitted = false

    private static let fix = "check the folder's permissions and free space"

    /// Makes an empty file in the folder of `path`.
    init(for path: String) throws(WeightError) {
        self.path = path
        temporary = "\(path).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
        unsafe descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw .system("create", temporary, fix: Self.fix) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        if !isCommitted { unsafe unlink(temporary) }
    }

    /// Appends the numbers' bytes.
    func write<Number: BitwiseCopyable>(_ numbers: [Number]) throws(WeightError) {
        let count = numbers.count * MemoryLayout<Number>.stride
        var done = 0
        while done < count {
            let written = unsafe numbers.withUnsafeBytes { bytes in
                unsafe Foundation.write(descriptor, bytes.baseAddress! + done, count - done)
            }
            if written < 0 && errno == EINTR { continue }
            guard written >= 0 else { throw .system("write", temporary, fix: Self.fix) }
            done += written
        }
    }

    /// Brings the bytes to the disc, gives the file its name, and brings that to the disc.
    func commit() throws(WeightError) {
        guard fsync(descriptor) == 0 else { throw .system("sync", temporary, fix: Self.fix) }
        guard unsafe rename(temporary, path) == 0 else { throw .system("rename \(temporary) to", path, fix: Self.fix) }
        isCommitted = true
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) + "/" } ?? "."
        let folder = unsafe open(parent, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw .system("open", parent, fix: Self.fix) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw .system("sync", parent, fix: Self.fix) }
    }
}
