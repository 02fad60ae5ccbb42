// Where a shard's images are and are not.

import Catalogue

/// What reading a shard's files showed; empty when every recorded image is where it belongs.
struct ByteReport: Sendable {
    /// An image that is not where it belongs.
    struct Defect: Sendable {
        var sample: ShardSample
        var expected: String
        var found: String
        /// Whether its bytes are nowhere; otherwise an intact copy is in the object directory or in an archive.
        var isLost: Bool
    }

    /// What is wrong with the archive of a finished shard as a whole.
    var archive: [(what: String, expected: String, found: String)] = []
    var images: [Defect] = []

    var isClean: Bool { archive.isEmpty && images.isEmpty }

    /// Images whose bytes are nowhere.
    var lost: [ShardSample] { images.filter(\.isLost).map(\.sample) }
}
