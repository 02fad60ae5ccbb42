// Readers take paths: a file in memory that holds one input after another.

import Foundation

/// A file without a folder, reached through `/proc/self/fd`.
struct MemoryFile {
    private let descriptor: Int32

    /// Its path in this process.
    var path: String { "/proc/self/fd/\(descriptor)" }

    /// Makes an empty file.
    init() {
        let name = "/dev/shm/detdiffusion-fuzz-\(getpid())"
        descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        precondition(descriptor >= 0, "a file in /dev/shm can be made")
        unlink(name)
    }

    /// Replaces its contents.
    func write(_ bytes: [UInt8]) {
        precondition(ftruncate(descriptor, 0) == 0, "a file in memory can be emptied")
        precondition(pwrite(descriptor, bytes, bytes.count, 0) == bytes.count, "a file in memory can be written")
    }
}
