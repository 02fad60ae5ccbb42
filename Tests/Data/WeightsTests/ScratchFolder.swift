// A folder for a test's files.

import ErrorLines
import Foundation
import Testing

@testable import Weights

/// A new folder, removed with the object.
final class ScratchFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("weights-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { _ = try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and returns its path.
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// A safetensors file with this header, whose length is stated as it is unless told.
    func safetensors(_ header: String, numbers: Int = 0, length: Int? = nil) throws -> String {
        let bytes = StoredZipBuilder.little(length ?? header.utf8.count, 8) + Array(header.utf8)
        return try write("x.safetensors", bytes + [UInt8](repeating: 0, count: numbers))
    }
}

/// The one line with which a file is refused; checks that it is one, and that it names the file and is short.
func refusal(of path: String) -> String {
    do throws(WeightError) {
        let file = try WeightFile(path: path)
        Issue.record("\(path) was read: \(file.entries.keys)")
        return ""
    } catch {
        #expect(PrintableText.isPlain(error.description))
        #expect(error.description.utf8.count < 1000)
        #expect(error.description.contains(path))
        #expect(error.description.contains(";"), "the fix stands last: \(error)")
        return error.description
    }
}
