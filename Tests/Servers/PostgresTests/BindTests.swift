// Every type there and back through a server.

import Postgres
import Testing

extension ServerTests {
    @Suite struct BindTests {
        private func connection() throws -> Connection {
            Connection(url: try TestServer.address(), applicationName: "bind tests", logger: TestServer.quietLogger)
        }

        /// Sends a value and reads it as the same type.
        private func echo<Value: PostgresBindable & PostgresDecodable>(_ value: Value) async throws -> Value {
            try await connection().query("SELECT \(value) AS value")[0]["value", as: Value.self]
        }

        @Test(arguments: [0, 1, -1, Int.max, Int.min])
        func integers(value: Int) async throws {
            #expect(try await echo(value) == value)
            #expect(try await echo(Int64(value)) == Int64(value))
            #expect(try await echo(Int32(truncatingIfNeeded: value)) == Int32(truncatingIfNeeded: value))
            #expect(try await echo(Int16(truncatingIfNeeded: value)) == Int16(truncatingIfNeeded: value))
        }

        @Test(arguments: [0, -0.1, 1 / 3, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .infinity, -.infinity])
        func doubles(value: Double) async throws {
            #expect(try await echo(value) == value)
        }

        @Test func notANumberAndBooleans() async throws {
            #expect(try await echo(Double.nan).isNaN)
            #expect(try await echo(true))
            #expect(try await !echo(false))
        }

        @Test(arguments: [
            "", " ", "plain", "O'Brien", "\"quoted\"", "back\\slash", "$1 %s {a,b} NULL", "new\nline\ttab\r",
            "déjà vu 🦉 中文",
            "'; DROP TABLE tasks; --", "\u{202E}right", String(repeating: "long ", count: 20_000),
        ])
        func strings(value: String) async throws {
            #expect(try await echo(value) == value)
            #expect(try await echo([value, "other"]) == [value, "other"])
        }

        @Test func zeroByteInTextIsAnErrorAndNotACut() async throws {
            let error = await postgresError { _ = try await echo("before\0after") }
            #expect(error?.code == .sql("22021"))
        }

        @Test func bytes() async throws {
            let all = (0...255).map { UInt8($0) }
            #expect(try await echo(all) == all)
            #expect(try await echo([UInt8]()) == [])
            let row = try await connection().query("SELECT \(all) AS b, octet_length(\(all)) AS n")[0]
            #expect(try row.bytes("b") == all)
            #expect(try row.int("n") == 256)
        }

        @Test func nulls() async throws {
            let row = try await connection().query(
                "SELECT \(Int?.none) AS i, \(String?.none) AS s, \([UInt8]?.none) AS b, \(Bool?.none) AS f, \(Double?.none) AS d"
            )[0]
            #expect(try row.optionalInt("i") == nil)
            #expect(try row.optionalString("s") == nil)
            #expect(try row.optionalBytes("b") == nil)
            #expect(try row.optionalBool("f") == nil)
            #expect(try row.optionalDouble("d") == nil)
            #expect(try await echo(Int?.some(4)) == 4)
        }

        @Test func arrays() async throws {
            #expect(try await echo([1, -2, Int.max]) == [1, -2, Int.max])
            #expect(try await echo([Int]()) == [])
            #expect(try await echo([1.5, -.infinity]) == [1.5, -.infinity])
            #expect(try await echo([true, false]) == [true, false])
            #expect(try await echo([Int?.some(1), nil]) == [1, nil])
            #expect(try await echo(["a,b", "", "NULL", "{}", "\"", "\\"]) == ["a,b", "", "NULL", "{}", "\"", "\\"])
            #expect(try await echo([String?.none, "NULL"]) == [nil, "NULL"])
            #expect(try await echo([[UInt8]]([[0, 255], [], [92]])) == [[0, 255], [], [92]])
        }

        @Test func arraysNeedNoCasts() async throws {
            let numbers = [3, 1], digests: [[UInt8]] = [[1], [2, 3]]
            let rows = try await connection().query(
                "SELECT n, d FROM unnest(\(numbers), \(digests)) AS g (n, d) WHERE n = ANY(\(numbers)) ORDER BY n")
            #expect(try rows.map { try $0.int("n") } == [1, 3])
            #expect(try rows[0].bytes("d") == [2, 3])
        }

        @Test func anyTypeReadsAsText() async throws {
            let row = try await connection().query(
                """
                SELECT '2020-01-02 03:04:05+00'::timestamptz AS t, '{"a": 1}'::jsonb AS j, 1.50::numeric AS n,
                       extract(epoch FROM '1970-01-01 00:00:01.5+00'::timestamptz) AS e, 12::smallint AS s
                """)[0]
            #expect(try row.string("t") == "2020-01-02 03:04:05+00")
            #expect(try row.string("j") == "{\"a\": 1}")
            #expect(try row.double("n") == 1.5)
            #expect(try row.double("e") == 1.5)
            #expect(try row.string("s") == "12")
            #expect(try row[0, as: String.self] == "2020-01-02 03:04:05+00")
        }

        @Test func wrongReadingsNameColumnExpectedAndFound() async throws {
            let row = try await connection().query("SELECT 'abc' AS word, NULL::int AS nothing, 7 AS seven")[0]
            let word = #expect(throws: PostgresError.self) { try row.int("word") }
            #expect(word?.code == .decoding)
            #expect(
                word?.description
                    == "PostgreSQL result: column 'word': expected an integer of 64 bits, found 'abc' of type text")
            let nothing = #expect(throws: PostgresError.self) { try row.int("nothing") }
            #expect(
                nothing?.description
                    == "PostgreSQL result: column 'nothing': expected an integer of 64 bits, found NULL")
            let missing = #expect(throws: PostgresError.self) { try row.int("eight") }
            #expect(
                missing?.description == "PostgreSQL result: expected a column 'eight', found word, nothing, seven")
            #expect(throws: PostgresError.self) { try row.bool("seven") }
            #expect(throws: PostgresError.self) { try row.bytes("word") }
            #expect(row.has("seven") && !row.has("eight"))
        }
    }
}
