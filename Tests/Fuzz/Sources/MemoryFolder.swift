// Readers take folders: one that holds several files made of one input.

import Foundation

/// A folder in the temporary folder, whose files are written again for every input; gone when the process ends.
struct MemoryFolder {
    /// Where it is.
    let path: String

    /// Makes an empty folder, or a copy of `original`, a folder of the repository.
    init(_ name: String, copying original: String? = nil) {
        let files = FileManager.default
        path = Self.parent + "/" + name
        _ = Self.removal
        do {
            try files.createDirectory(atPath: Self.parent, withIntermediateDirectories: true)
            if let original {
                try files.copyItem(atPath: Self.repository + "/" + original, toPath: path)
            } else {
                try files.createDirectory(atPath: path, withIntermediateDirectories: true)
            }
        } catch {
            preconditionFailure("a folder for the inputs can be made: \(error)")
        }
    }

    /// The folder of all folders of this process.
    private static let parent = FileManager.default.temporaryDirectory.path + "/detdiffusion-fuzz-\(getpid())"
    /// Set up once; a folder that stays is litter, at worst.
    private static let removal: Int32 = atexit { try? FileManager.default.removeItem(atPath: MemoryFolder.parent) }

    /// The folder with Package.swift above this file, which is reached by links, too.
    private static let repository: String = {
        var folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        while folder.path.count > 1, !FileManager.default.fileExists(atPath: folder.path + "/Package.swift") {
            folder.deleteLastPathComponent()
        }
        return folder.path
    }()

    /// Writes the parts of an input, which zero bytes separate, to these files in turn; files without a part go.
    func write(_ bytes: [UInt8], to names: [String]) {
        let parts = bytes.split(separator: 0, maxSplits: names.count - 1, omittingEmptySubsequences: false)
        for (index, name) in names.enumerated() {
            let place = path + "/" + name
            unlink(place)
            guard index < parts.count else { continue }
            let descriptor = open(place, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            precondition(descriptor >= 0, "a file of the folder can be made")
            let part = Array(parts[index])
            precondition(Foundation.write(descriptor, part, part.count) == part.count, "a file can be written")
            close(descriptor)
        }
    }
}
