// Where a shard's images are and are not, and whether its results are what was recorded.

import Catalogue

/// What reading a shard's bytes showed; empty when every recorded image is where it belongs and every result is intact.
struct ByteReport: Sendable {
    /// An image that is not where it belongs.
    struct Defect: Sendable {
        var output: ShardOutput
        var expected: String
        var found: String
        /// Whether its bytes are nowhere; otherwise an intact copy is in the object directory or in an archive.
        var isLost: Bool
    }

    /// What is wrong with the archive of a finished shard as a whole.
    var archive: [(what: String, expected: String, found: String)] = []
    var images: [Defect] = []
    /// Results whose bytes are others. Nobody has another copy, so their tasks are done again.
    var results: [DamagedResult] = []

    var isClean: Bool { areFilesClean && results.isEmpty }

    /// Whether archive and images are where they belong.
    var areFilesClean: Bool { archive.isEmpty && images.isEmpty }

    /// Images whose bytes are nowhere, and damaged results, of tasks of the job's own kind.
    var lost: [LostRecord] {
        images.filter(\.isLost).map { LostRecord(number: $0.output.number, digest: $0.output.digest) }
            + results.filter(\.isOwn).map { LostRecord(number: $0.number, digest: $0.recorded) }
    }
}
