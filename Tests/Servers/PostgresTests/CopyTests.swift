// Bulk loading, and its refusals.

import Postgres
import Testing

extension ServerTests {
    @Suite struct CopyTests {
        private struct Failure: Error {}

        @Test func everyTypeArrives() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple(
                    """
                    CREATE TYPE mood AS ENUM ('fine', 'bad');
                    CREATE TABLE t (a bigint, b integer, c smallint, d double precision, e boolean, f text, g bytea,
                                    h mood, i json, j text[], k varchar(9))
                    """)
                let columns = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]
                let count = try await connection.transaction { connection in
                    try connection.copy(into: "t", columns: columns) { row in
                        try row.append(
                            Int64.min, Int32.max, Int16(-3), 1.5, true, "tab\tand \\N", [UInt8]([0, 92, 255]), "bad",
                            #"{"a":1}"#, ["x", "y,z"], "short")
                        try row.append(
                            Int?.none, Int32?.none, Int16?.none, Double?.none, Bool?.none, String?.none, [UInt8]?.none,
                            String?.none, String?.none, [String]?.none, String?.none)
                    }
                }
                #expect(count == 2)
                let rows = try await connection.query("SELECT * FROM t ORDER BY a")
                #expect(try rows[0].int("a") == .min)
                #expect(try rows[0].string("f") == "tab\tand \\N")
                #expect(try rows[0].bytes("g") == [0, 92, 255])
                #expect(try rows[0].string("h") == "bad")
                #expect(try rows[0]["j", as: [String].self] == ["x", "y,z"])
                #expect(try columns.allSatisfy { try rows[1].optionalString($0) == nil })
            }
        }

        @Test func manyPiecesArriveInOrder() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint, payload bytea)")
                let payload = [UInt8](repeating: 7, count: 1000)
                try await connection.transaction { connection in
                    let count = try connection.copy(into: "\(schema.name).t", columns: ["n", "payload"]) { row in
                        for n in 0..<5000 { try row.append(n, payload) }
                    }
                    #expect(count == 5000)
                }
                let row = try await connection.query(
                    "SELECT count(*) AS rows, sum(n) AS sum, min(length(payload)) AS length FROM t")[0]
                #expect(try row.int("rows") == 5000)
                #expect(try row.int("sum") == 5000 * 4999 / 2)
                #expect(try row.int("length") == 1000)
            }
        }

        @Test func wrongTypeIsNamedBeforeItIsSent() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n integer)")
                let error = await postgresError {
                    try await connection.copy(into: "t", columns: ["n"]) { try $0.append(1) }
                }
                #expect(error?.code == .decoding)
                #expect(error?.description == "COPY into t: column 'n': expected integer, found int8 in row 1")
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func serversRefusalSurfacesWithItsConstraint() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint CONSTRAINT single PRIMARY KEY)")
                let error = await postgresError {
                    try await connection.transaction { connection in
                        _ = try connection.copy(into: "t", columns: ["n"]) { row in
                            for n in 0..<100_000 { try row.append(n / 2) }
                        }
                    }
                }
                #expect(error?.code == .constraint("single"))
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func throwingBodyLoadsNothing() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                await #expect(throws: Failure.self) {
                    try await connection.copy(into: "t", columns: ["n"]) { row in
                        for n in 0..<50_000 { try row.append(n) }
                        throw Failure()
                    }
                }
                #expect(try await connection.query("SELECT n FROM t").isEmpty)
            }
        }

        @Test func missingTableAndColumnAreTheServersErrors() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                try await connection.simple("CREATE TABLE t (n bigint)")
                let table = await postgresError { try await connection.copy(into: "absent", columns: ["n"]) { _ in } }
                #expect(table?.code == .sql("42P01"))
                let column = await postgresError { try await connection.copy(into: "t", columns: ["absent"]) { _ in } }
                #expect(column?.code == .sql("42703"))
                #expect(try await connection.copy(into: "t", columns: ["n"]) { _ in } == 0)
            }
        }

        @Test func rowsCanBeReadOneByOne() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                let sum = try await connection.transaction { connection in
                    var sum = 0
                    let count = try connection.forEachRow("SELECT n FROM generate_series(1, \(20_000)) AS n") { row in
                        sum += try row.int("n")
                    }
                    #expect(count == 20_000)
                    return sum
                }
                #expect(sum == 20_000 * 20_001 / 2)
            }
        }

        @Test func readingMayStopEarlyOrFail() async throws {
            try await TestSchema.with { schema in
                let connection = try schema.connection()
                await #expect(throws: Failure.self) {
                    try await connection.forEachRow("SELECT generate_series(1, 100000000) AS n") { row in
                        if try row.int("n") == 10 { throw Failure() }
                    }
                }
                let error = await postgresError {
                    try await connection.forEachRow("SELECT 1 / (3 - n) FROM generate_series(1, 5) AS n") { _ in }
                }
                #expect(error?.code == .sql("22012"))
                #expect(try await connection.query("SELECT 1 AS one")[0].int("one") == 1)
            }
        }
    }
}
