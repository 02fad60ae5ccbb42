// Interpolation and composition of statements, without a server.

import Testing

@testable import Postgres

struct SQLTests {
    @Test func valuesBecomeParameters() {
        let name = "x'; DROP TABLE jobs; --", id = 7
        let sql: SQL = "SELECT * FROM jobs WHERE name = \(name) AND id = \(id)"
        #expect(sql.text == "SELECT * FROM jobs WHERE name = $1 AND id = $2")
        #expect(sql.binds.map(\.type) == [25, 20])
        #expect(sql.binds[0].bytes == Array(name.utf8))
        #expect(sql.binds[1].bytes == [0, 0, 0, 0, 0, 0, 0, 7])
    }

    @Test func compositionNumbersParametersThrough() {
        let condition: SQL = "state = \("open") OR state = \("done")"
        let sql: SQL = "SELECT \(1) WHERE (\(sql: condition))" + " LIMIT \(10)"
        #expect(sql.text == "SELECT $1 WHERE (state = $2 OR state = $3) LIMIT $4")
        #expect(sql.binds.count == 4)
    }

    @Test func absentValuesAreNull() {
        let missing: Int? = nil
        let sql: SQL = "SELECT \(missing)"
        #expect(sql.binds == [Bind(missing)])
        #expect(sql.binds[0].bytes == nil)
        #expect(sql.binds[0].type == 20)
    }

    @Test func identifiersAreQuoted() {
        let sql: SQL = "SELECT * FROM \(identifier: "odd\"name")"
        #expect(sql.text == "SELECT * FROM \"odd\"\"name\"")
        #expect(SQL.quoted(table: "public.tasks") == "\"public\".\"tasks\"")
    }

    @Test func constantsGoInAsTheyAre() {
        let sql: SQL = "SELECT 1 \(unsafeRaw: "ORDER BY 1")"
        #expect(sql.text == "SELECT 1 ORDER BY 1")
        #expect(SQL(unsafeRaw: "SELECT 2").text == "SELECT 2")
    }

    @Test func bytesAreNotAnArray() {
        #expect([UInt8].postgresType == 17)
        #expect([[UInt8]].postgresType == 1001)
        #expect([Int?].postgresType == 1016)
    }
}

struct ArrayLiteralTests {
    private func elements(_ literal: String) -> [String?]? {
        ArrayLiteral.elements(of: Array(literal.utf8)[...])?.map { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    @Test func literalsAreRead() {
        #expect(elements("{}") == [])
        #expect(elements("{1,2,NULL}") == ["1", "2", nil])
        #expect(
            elements(#"{"a,b","say \"hi\"","back\\slash","","NULL"}"#) == [
                "a,b", "say \"hi\"", "back\\slash", "", "NULL",
            ])
    }

    @Test func whatIsNotOneArrayIsRefused() {
        #expect(elements("{{1},{2}}") == nil)
        #expect(elements("1,2") == nil)
        #expect(elements(#"{"open}"#) == nil)
        #expect(elements(#"{"a"b}"#) == nil)
    }
}
