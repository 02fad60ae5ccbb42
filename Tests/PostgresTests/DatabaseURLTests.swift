// Reading addresses, and that a password never comes out again.

import Postgres
import Testing

struct DatabaseURLTests {
    @Test func uriIsRead() throws {
        let url = try DatabaseURL("postgresql://ann:s3cret@db.example:6543/catalogue?sslmode=verify-full")
        #expect(url.host == "db.example")
        #expect(url.port == "6543")
        #expect(url.user == "ann")
        #expect(url.database == "catalogue")
        #expect("\(url)" == "postgresql://ann@db.example:6543/catalogue")
    }

    @Test func keywordsAreRead() throws {
        let url = try DatabaseURL("host=db.example user=ann password='s3 cret' dbname=catalogue")
        #expect("\(url)" == "postgresql://ann@db.example:5432/catalogue")
    }

    @Test func severalHostsAreShown() throws {
        let url = try DatabaseURL("postgresql://ann@one:1111,two:2222/catalogue?target_session_attrs=read-write")
        #expect("\(url)" == "postgresql://ann@one:1111,two:2222/catalogue")
    }

    @Test(arguments: [
        "", "  ", "postgres:/ann:s3cret@host/db", "postgresql://ann:s3cret/x@host:5432/db",
        "postgresql://ann:s3cret@host/db?s3cret=1", "host=a s3cret", "mysql://ann:s3cret@host/db",
        "postgresql://ann:s3cret@[::1/db", "postgresql://ann:s3cret@host:port/db",
        "postgresql://ann:pa@s3cret@host/db", "postgresql://ann:12/s3cret@host:5432/db",
        "postgresql://ann:pa@1/s3cret@host/db", "postgresql://ann:pa@s3cret,x@host/db",
        "postgresql://ann:12?application_name=s3cret@host/db",
    ])
    func unreadableAddressIsRefusedWithoutItsPassword(text: String) {
        let error = #expect(throws: PostgresError.self) { try DatabaseURL(text) }
        #expect(error?.code == .configuration)
        #expect(error?.description.contains("s3cret") == false)
        #expect(error?.description.contains("\n") == false)
        #expect(error?.description.hasPrefix("database URL: expected postgresql://") == true)
    }

    @Test(arguments: ["ann:p%40ss@host/db", "host/db?user=ann%40corp&password=a%40b", "ann%40corp:x@host/d%40b"])
    func anEscapedSignIsNoMistake(rest: String) throws {
        #expect(try DatabaseURL("postgresql://" + rest).host == "host")
    }

    @Test func reflectionShowsNoPassword() throws {
        let url = try DatabaseURL("postgresql://ann:s3cret@host/db")
        #expect(!String(reflecting: url).contains("s3cret"))
        #expect(!String(describing: [url]).contains("s3cret"))
        var dumped = ""
        dump(url, to: &dumped)
        #expect(!dumped.contains("s3cret"))
    }
}
