// Where the golden files are.

import Foundation

/// The files that Golden/write_golden.py wrote.
enum Golden {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden")
}
