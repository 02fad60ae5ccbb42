// The object directory of commands that only read it, or tidy it up: it has to be there.

import Console
import Foundation
import Stores

extension StoreOptions {
    /// Opens an object directory that is there. An empty one, made in place of a mistyped name or of a disc that is not
    /// mounted, would look like the loss of everything.
    /// - Parameter folder: what must be in it; `shards` for what reads archives alone, since loose objects may be gone.
    func existing(with folder: String = "objects") throws -> ObjectStore {
        let root = try path()
        guard FileManager.default.fileExists(atPath: "\(root)/\(folder)") else {
            throw CommandError(
                .noInput,
                "--store: expected an object directory at \(root), found no folder '\(folder)' in it; "
                    + "mount it, or name the one that the workers use"
            )
        }
        return try ObjectStore(root: root)
    }
}
