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
