// The Python readers that exports and messages are held against.

import Foundation

/// The interpreter that `ops/setup --tests` makes, with pycocotools, webdataset and jsonschema.
public enum Readers {
    /// Its path: DETDIFFUSION_READERS, else `.build/readers`; `nil` where it is not there.
    public static var python: String? {
        let path = Surroundings.variable("DETDIFFUSION_READERS") ?? Surroundings.root + "/.build/readers/bin/python"
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }

    /// What a skipped test says.
    public static let missing = "needs a Python with the readers of ops/readers.txt: run `ops/setup --tests`"
}

extension Readers {
    /// Runs a script of Tests/Readers and decodes what it prints.
    public static func run<Report: Decodable>(_ script: String, _ argument: String) throws -> Report {
        guard let python else { throw ProcessFailure(missing) }
        let result = try RunningProcess(python, ["\(Surroundings.root)/Tests/Readers/\(script)", argument]).wait()
        guard result.status == 0 else { throw ProcessFailure("\(script) \(argument): \(result.errors.suffix(2000))") }
        return try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
    }
}
