// What every refusal must be: the documented exit code, one short line, and nothing else anywhere.

import Fixtures
import Foundation
import Testing

/// The judge of refusals.
enum Refusal {
    /// Servers that nobody serves: a command that gets as far as asking them ends with 69, so 64 to 66 prove that
    /// nothing was recorded.
    static let nobody = Commands(environment: [
        "AMQP_URL": "amqp://u:secret-1@127.0.0.1:1/x", "DATABASE_URL": "postgresql://u:secret-2@127.0.0.1:1/x",
        "DETDIFFUSION_STORE": "/dev/null/store",
    ])

    /// Holds a result against its documented exit code and the words that the line must say.
    static func expect(
        _ result: ProcessResult, status: Int32, says: [String], _ about: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let errors = result.errors
        func check(_ holds: Bool, _ what: String) {
            #expect(holds, "\(about): \(what): \(errors.debugDescription.prefix(1500))", sourceLocation: sourceLocation)
        }
        check(result.status == status, "expected exit code \(status), found \(result.status)")
        check(errors.hasSuffix("\n") && errors.split(separator: "\n").count == 1, "expected one line")
        check(errors.hasPrefix("detdiffusion-"), "expected the command's name first")
        check(errors.unicodeScalars.count <= 600, "expected at most 600 characters, found \(errors.count)")
        let isClean = errors.dropLast().unicodeScalars.allSatisfy {
            $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value)
        }
        check(isClean, "expected no control characters")
        check(!errors.contains("secret-"), "expected no password")
        for word in says { check(errors.contains(word), "expected '\(word)'") }
        #expect(result.output.isEmpty, "\(about): \(result.output.prefix(500))", sourceLocation: sourceLocation)
    }
}

/// A folder of a test's own, removed when it goes away.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/hostile-" + UUID().uuidString.prefix(8).lowercased()
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // What cannot be removed stays in the temporary folder.
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file and returns its path.
    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    /// Writes a file and returns its path.
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = path + "/" + name
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// The names in it.
    func entries() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}
