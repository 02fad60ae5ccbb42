// A real validator for what real commands write: jsonschema of Python.

import Fixtures
import Foundation

enum Validation {
    /// The violations of `schemas/<schema>` in a file of JSON lines or in an archive's `.json` members.
    static func violations(of schema: String, in path: String) throws -> String {
        guard let python = Readers.python else { throw ProcessFailure(Readers.missing) }
        let script = Surroundings.root + "/Tests/Readers/validate.py"
        let result = try RunningProcess(python, [script, "\(Surroundings.root)/schemas/\(schema)", path]).wait()
        guard result.status == 0 else { throw ProcessFailure("validate.py \(schema) \(path): \(result.errors)") }
        return result.output
    }

    /// The violations in values that are given as JSON texts.
    static func violations(of schema: String, in texts: [[UInt8]]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).jsonl").path
        try Data(texts.joined(separator: Array("\n".utf8))).write(to: URL(fileURLWithPath: path))
        let violations = try violations(of: schema, in: path)
        try FileManager.default.removeItem(atPath: path)
        return violations
    }
}
