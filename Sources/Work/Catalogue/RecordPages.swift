// Listings page by page, so that memory does not grow with the table.

import Postgres

/// The records of a listing, asked for page by page as they are read.
///
/// Each page is its own statement: what changes meanwhile is seen as it is when its page comes. No
/// row comes twice.
public struct RecordPages<Record: Sendable>: AsyncSequence, Sendable {
    /// A page: the most rows it may have, and where the last one ended.
    typealias Load =
        @Sendable (_ count: Int, _ after: RecordPlace) async throws -> (records: [Record], end: RecordPlace?)

    let limit: Int?
    let load: Load

    /// All records at once; for listings that are known to be short.
    public func all() async throws -> [Record] {
        var records: [Record] = []
        for try await page in self { records += page }
        return records
    }

    /// Begins to read.
    public func makeAsyncIterator() -> Iterator { Iterator(load: load, left: limit ?? Int.max) }

    /// Reads a listing once.
    public struct Iterator: AsyncIteratorProtocol {
        let load: Load
        var left: Int
        var place: RecordPlace? = RecordPlace()

        /// The next page that has records; `nil` at the end.
        public mutating func next() async throws -> [Record]? {
            while left > 0, let after = place {
                let page = try await load(left, after)
                place = page.end
                left -= page.records.count
                if !page.records.isEmpty { return page.records }
            }
            return nil
        }
    }
}

/// Where a page ended: the row of a job or worker, and where shards are listed, the shard's number in its job.
struct RecordPlace: Sendable {
    var row: Int64 = -1
    var shard = -1
}

extension RecordPages {
    /// Rows that a page has at most, where one row is one record.
    static var pageSize: Int { 1000 }

    /// A listing whose records are the rows of one statement; `query` has its rows' place in the columns `row_place`
    /// and `shard_place`.
    init(
        _ catalogue: Catalogue, limit: Int?, query: @escaping @Sendable (_ count: Int, _ after: RecordPlace) -> SQL,
        record: @escaping @Sendable (Row) throws -> Record
    ) {
        self.limit = limit
        load = { left, after in
            let count = Swift.min(left, Self.pageSize)
            let rows = try await catalogue.connection.query(query(count, after))
            guard rows.count == count, let last = rows.last else { return (try rows.map(record), nil) }
            let end = RecordPlace(row: try last.int64("row_place"), shard: try last.int("shard_place"))
            return (try rows.map(record), end)
        }
    }
}
