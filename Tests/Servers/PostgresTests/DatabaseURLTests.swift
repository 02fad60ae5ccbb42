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
        "postgresql://ann:12?application_name=s3cret@host/db", "host=a password='s3\"cret",
        "host=a password=x\" s3cret",
        "postgresql://ann:\"%zz\"s3cret@host/db", "host=ann:s3cret@db", "host=postgresql://ann:s3cret@db",
        "dbname=postgresql://ann:s3cret@db", "postgresql://ann:/s3cret", "postgresql://ann:p@\u{301}s3cret@host/db",
        "postgresql://ann:s3cret@host/db?sslmode=s3cret", "host=a connect_timeout=s3cret",
        "postgresql://ann:s3cret@host/db?target_session_attrs=s3cret", "postgresql://ann:s3cret@host/d\nb",
        "postgresql://ann:s3cret@ho st/db", "host=a password='s3cret\u{1}'",
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

    @Test(arguments: [
        ("postgresql://ann:p@h/d?colour=red", "query parameters is not libpq's"),
        ("postgresql://ann:p@h/d?sslmode", "query parameter 1 is not of the form key=value"),
        ("postgresql://ann:%zz@h/d", "begins no percent escape"), ("postgresql://ann:p@[::1/d", "'['"),
        ("postgresql://ann:p@h:0/d", "port"), ("postgresql://ann:p@h:/d", "followed by no port"),
        ("mysql://h/d", "scheme is not postgresql"), ("host=h password='p", "quotes is not closed"),
        ("host=h colour=red", "not key=value with a key of libpq's"), ("host=h word", "not key=value"),
        (" ", "empty"), ("postgresql://h\t/d", "character 15"),
    ])
    func aFaultIsNamedInWordsOfOurOwn(text: String, says: String) {
        let error = #expect(throws: PostgresError.self) { try DatabaseURL(text) }
        #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    }

    @Test func keywordsMayStandOnSeveralLines() throws {
        let url = try DatabaseURL("host=h\n  user=ann\r\n\tdbname=d\n")
        #expect("\(url)" == "postgresql://ann@h:5432/d")
    }

    @Test func aUserThatMayHoldAPasswordIsNotShown() throws {
        #expect("\(try DatabaseURL("postgresql://ann%3As3cret@h/d"))" == "postgresql://…@h:5432/d")
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
