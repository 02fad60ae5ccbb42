// Listings come page by page: everything once, in order, and no more than was asked for.

import Catalogue
import Fixtures
import Postgres
import Tasks
import Testing

@Suite(.serialized, .enabled(if: TestCatalogue.hasServer, "\(TestCatalogue.serverMissing)"))
struct ListingTests {
    @Test func everyRowComesOnceInOrderAndPagesAreBounded() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("one", tasks: 2500, shardSize: 1)
            _ = try await test.enqueue("two", tasks: 6, shardSize: 4)
            var shards: [String] = [], tasks: [String] = []
            for try await page in test.catalogue.shardPages() {
                #expect((1...1000).contains(page.count))
                shards += page.map { "\($0.job)/\($0.shard)" }
            }
            let expected = (0..<2500).map { "one/\($0)" } + ["two/0", "two/1"]
            #expect(shards == expected)
            for try await page in test.catalogue.taskPages() {
                #expect((1...1005).contains(page.count))
                tasks += page.map { "\($0.job)/\($0.shard)/\($0.task)" }
            }
            let two = (0..<6).map { "two/\($0 / 4)/\($0 % 4)" }
            #expect(tasks == (0..<2500).map { "one/\($0)/0" } + two)
            #expect(try await test.catalogue.tasks(CatalogueFilter(limit: 1001)).count == 1001)
            #expect(try await test.catalogue.shards(CatalogueFilter(limit: 0)).isEmpty)
            let last = try await test.catalogue.tasks(CatalogueFilter(job: "two", shard: 1))
            #expect(last.map(\.task) == [0, 1])
            // A row that only the last page can have.
            #expect(try await test.catalogue.tasks(CatalogueFilter(job: "one", image: 2599)).map(\.shard) == [2499])
        }
    }

    @Test func shardsLargerThanAPageComeAlone() async throws {
        try await TestCatalogue.with { test in
            _ = try await test.enqueue("large", tasks: 3, shardSize: 1)
            try await test.execute("UPDATE shards SET tasks = 40000")
            var pages: [[Int]] = []
            for try await page in test.catalogue.taskPages() { pages.append(page.map(\.shard)) }
            #expect(pages == [[0], [1], [2]])
        }
    }

    @Test func jobsAndWorkersComeInPagesToo() async throws {
        try await TestCatalogue.with { test in
            try await test.execute(
                """
                INSERT INTO workers (name, host, pid, version, serves, device_class)
                SELECT 'w' || n, 'h', n, 'v', '{}', 'none' FROM generate_series(1, 1001) n
                """)
            var sizes: [Int] = []
            for try await page in test.catalogue.workerPages() { sizes.append(page.count) }
            #expect(sizes == [1000, 1])
            for number in 0..<3 { _ = try await test.enqueue("job-\(number)", tasks: 1, shardSize: 1) }
            #expect(try await test.catalogue.jobs(CatalogueFilter(limit: 2)).map(\.job) == ["job-0", "job-1"])
        }
    }
}
