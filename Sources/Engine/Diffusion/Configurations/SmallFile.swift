// Reading the files of a checkpoint that are text.

import ErrorLines
import Files
import Foundation
import Weights

/// A whole file in memory: configurations and tokenizers, whose readers know how large they can be.
enum SmallFile {
    /// Whether there is a file at `path`; throws for a link to one that is not there.
    static func isThere(_ path: String) throws(CheckpointError) -> Bool {
        do {
            return try FilePresence.isThere(path)
        } catch {
            throw CheckpointError(.file, error.description)
        }
    }

    /// The bytes of the file at `path`.
    ///
    /// - Parameters:
    ///   - limit: more bytes than this are refused before any is read.
    ///   - expected: what the file should be, for messages.
    static func read(_ path: String, limit: Int, expected: String) throws(CheckpointError) -> [UInt8] {
        // Without O_NONBLOCK a pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let failure = failure("open", path, expected)
            throw FilePresence.brokenLink(to: path).map { CheckpointError(.file, $0.description) } ?? failure
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw failure("look at", path, expected) }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw CheckpointError(
                .file, "cannot read \(path): expected \(expected), found a folder or device; name the file itself")
        }
        let size = Int(facts.st_size)
        guard size <= limit else {
            throw CheckpointError(
                .content, "\(path): expected \(expected) of at most \(limit) bytes, found \(size); save the file again")
        }
        var bytes = [UInt8](repeating: 0, count: size)
        var done = 0
        while done < size {
            let count = bytes.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress! + done, size - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path, expected) }
            // Somebody shortens it: what is there is judged as it is.
            if count == 0 { break }
            done += count
        }
        return Array(bytes[..<done])
    }

    /// The failure of the system call that has just returned, from `errno`.
    private static func failure(_ action: String, _ path: String, _ expected: String) -> CheckpointError {
        let failure = FileFailure(action, path)
        return CheckpointError(
            .file,
            "cannot \(action) \(path): \(failure.reason); expected \(expected), check the folder's name and rights")
    }
}
