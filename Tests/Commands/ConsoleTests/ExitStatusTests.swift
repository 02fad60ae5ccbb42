// Which exit code which error has.

import ArgumentParser
import Broker
import Digests
import Fixtures
import Foundation
import Layouts
import Postgres
import Stores
import Tasks
import Tensors
import Testing

@testable import Console

struct ExitStatusTests {
    @Test func theCodesAreThoseOfTheREADME() throws {
        let readme = try String(contentsOfFile: Surroundings.root + "/README.md", encoding: .utf8)
        let documented = readme.matches(of: #/\n\| (\d+) \|/#).compactMap { Int32($0.output.1) }
        #expect(documented == ExitStatus.allCases.map(\.rawValue))
    }

    @Test func errorsOfEveryModuleHaveTheirCode() throws {
        #expect(ExitStatus(CommandError(.cannotWrite, "x")) == .cannotWrite)
        #expect(ExitStatus(TaskError(.invalid, "x")) == .usage)
        #expect(ExitStatus(TaskError(.unreadable, "x")) == .data)
        #expect(ExitStatus(CancellationError()) == .interrupted)
        #expect(ExitStatus(WorkerUnfit(DeviceError(.lost, "x"))) == .unavailable)
        #expect(ExitStatus(ValidationError("x")) == .usage)
        #expect(ExitStatus(try error { try AnnotationSet.read(path: "/does/not/exist") }) == .noInput)
        #expect(ExitStatus(try error { try AnnotationSet.read(path: #filePath) }) == .data)
        #expect(ExitStatus(try error { try SHA256.digest(ofFileAt: "/does/not/exist") }) == .noInput)
        let store = FileManager.default.temporaryDirectory.path + "/exit-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: store) }  // A leftover harms no later test.
        let (mine, other) = (
            StoreIdentity(catalogue: String(repeating: "1", count: 32), place: "mine"),
            StoreIdentity(catalogue: String(repeating: "2", count: 32), place: "other")
        )
        #expect(ExitStatus(try error { try FolderSite(store).open(of: mine, for: .writing) }) == .noInput)
        try FolderSite(store).claim(for: other)
        #expect(ExitStatus(try error { try FolderSite(store).open(of: mine, for: .writing) }) == .refused)
        #expect(ExitStatus(try error { try FolderSite("/proc/nowhere").claim(for: mine) }) == .cannotWrite)
        #expect(ExitStatus(try error { try BrokerURL("http://localhost") }) == .usage)
        #expect(ExitStatus(try error { try DatabaseURL("postgresql://host:notaport/db") }) == .usage)
    }

    @Test func aBrokersRefusalIsJudgedByItsTextToo() {
        func status(_ code: Int, _ text: String) -> Console.ExitStatus {
            ExitStatus(BrokerError(.closed(code: code, text: text), "x"))
        }
        #expect(status(403, "ACCESS_REFUSED - access to queue 'q' in vhost 'v' refused for user 'u'") == .noPermission)
        #expect(status(530, "NOT_ALLOWED - connection refused: node connection limit (1) is reached") == .unavailable)
    }

    @Test func anUnknownErrorIsADefect() {
        struct Strange: Error {}
        #expect(ExitStatus(Strange()) == .software)
    }

    private func error<Value>(_ body: () throws -> Value) throws -> any Error {
        do { _ = try body() } catch { return error }
        throw ProcessFailure("expected an error")
    }
}

struct ArgumentSecretTests {
    @Test(arguments: [
        ("amqp://user:secret@host:5672/vhost", "amqp://user:xxxxxx@host:5672/vhost"),
        (
            "--database-url=postgresql://u:secret@host/db?sslmode=require",
            "--database-url=postgresql://u:xxxxxx@host/db?sslmode=require"
        ),
        ("amqp://secret:secret@host", "amqp://secret:xxxxxx@host"),
        ("amqp://amqp:amqp@amqp", "amqp://amqp:xxxx@amqp"),
        ("amqp://user:p@ss@host", "amqp://user:xxxx@host"),
        ("host=h user=u password=secret dbname=d", "host=h user=u password=xxxxxx dbname=d"),
        ("host=h password = 'se cr\\'et' dbname=d", "host=h password = xxxxxxxxxx' dbname=d"),
        (
            "postgresql://h/d?user=u&password=secret&sslpassword=other",
            "postgresql://h/d?user=u&password=xxxxxx&sslpassword=xxxxx"
        ),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"), ("amqp://user@host", "amqp://user@host"),
        ("password=", "password="), ("password", "password"), ("--job", "--job"), ("", ""),
        ("password=\\", "password=x"),
        ("amqp://ü:gehéim@host", "amqp://ü:xxxxxxx@host"), ("amqp://u:secret", "amqp://u:xxxxxx"),
        ("amqp://u:secret/host:5672/v", "amqp://u:xxxxxxxxxxxxxxxxxx"),
        ("http://[::1]:15672/x", "http://[::1]:15672/x"),
    ])
    func passwordsAreFoundWhereTheyStand(argument: String, hidden: String) {
        var bytes = Array(argument.utf8)
        for index in ArgumentSecrets.ranges(in: bytes).joined() { bytes[index] = UInt8(ascii: "x") }
        #expect(String(decoding: bytes, as: UTF8.self) == hidden)
    }

    @Test func textIsRedactedOfEveryPassword() {
        let arguments = ["run", "amqp://u:one@h", "password=onetwo"]
        #expect(ArgumentSecrets.redacted("u one onetwo", arguments: arguments) == "u xxx xxx")
    }
}
