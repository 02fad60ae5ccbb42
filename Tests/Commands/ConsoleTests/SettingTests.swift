// Servers named in the environment, as files of variables and their readers leave them.

import Fixtures
import Foundation
import Testing

struct SettingTests {
    private func jobs(_ database: String) throws -> ProcessResult {
        try Commands(environment: ["DATABASE_URL": database]).run("catalogue", ["jobs"])
    }

    /// 69 says that the address was read: nobody listens there.
    @Test(arguments: [
        "postgresql://u:secret@127.0.0.1:1/x\n", "\"postgresql://u:secret@127.0.0.1:1/x\"",
        "'postgresql://u:secret@127.0.0.1:1/x'\r\n", "'host=127.0.0.1 port=1 password=secret'",
    ])
    func quotesAndLineEndsAreTakenOff(database: String) throws {
        let result = try jobs(database)
        #expect(result.status == 69 && !result.errors.contains("secret"), "\(result.errors)")
    }

    @Test(arguments: ["\"postgresql://u:secret@127.0.0.1:1/x", "postgresql://u:secret@127.0.0.1:1/x'"])
    func aQuoteAtOneEndIsNamed(database: String) throws {
        let result = try jobs(database)
        #expect(
            result.status == 64 && result.errors.contains("DATABASE_URL: expected a value, but it"), "\(result.errors)")
        #expect(result.errors.contains("quote") && !result.errors.contains("secret"), "\(result.errors)")
    }

    @Test(arguments: ["postgresql://u:secret@127.0.0.1:1/\nx", "postgresql://u:sec\nret@127.0.0.1:1/x"])
    func aLineEndInsideIsNamed(database: String) throws {
        let result = try jobs(database)
        #expect(result.status == 64 && result.errors.contains("line end"), "\(result.errors)")
        #expect(!result.errors.contains("sec"), "\(result.errors)")
    }

    @Test func theOtherVariablesAreReadAlike() throws {
        let commands = Commands(environment: [
            "DATABASE_URL": "postgresql://127.0.0.1:1/x", "AMQP_URL": "'amqp://u:secret@127.0.0.1:1'\n",
            "RABBITMQ_MANAGEMENT_URL": "\"http://u:secret@127.0.0.1:1\"",
        ])
        let result = try commands.run("catalogue", ["doctor", "--limit", "5"])
        #expect(result.output.contains("amqp://u@127.0.0.1:1/"), "\(result.output)")
        #expect(result.output.contains("management interface at http://u@127.0.0.1:1"), "\(result.output)")
        #expect(!result.output.contains("secret"))
    }
}

@Suite(.enabled(if: Surroundings.variable("RABBITMQ_MANAGEMENT_URL") != nil, "needs RABBITMQ_MANAGEMENT_URL"))
struct ProxyTests {
    /// The proxy would be asked for 127.0.0.1, which is another host there, and be given the password.
    @Test(arguments: [["http_proxy"], ["all_proxy"], ["ALL_PROXY"], ["http_proxy", "no_proxy"]])
    func aProxyIsNotAskedForThisHost(variables: [String]) throws {
        let (listener, port) = try LoopbackPort.listener()
        defer { close(listener) }
        let environment = Dictionary(
            uniqueKeysWithValues: variables.map { ($0, $0 == "no_proxy" ? "example.com" : "http://127.0.0.1:\(port)") })
        let result = try Commands(environment: environment).run("catalogue", ["doctor", "--limit", "5"])
        #expect(result.output.contains("ok    alarms"), "\(result.output)")
        var asked = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
        #expect(poll(&asked, 1, 0) == 0, "the proxy was asked")
    }
}
