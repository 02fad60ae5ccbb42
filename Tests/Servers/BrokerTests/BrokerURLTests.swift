// What URLs mean, and that their errors keep the password to themselves.

import Testing

@testable import Broker

@Suite struct BrokerURLTests {
    @Test func readsEveryPart() throws {
        let url = try BrokerURL("amqp://us%40er:pa%2Fss@broker.example:5673/batch%2F1?heartbeat=7")
        #expect(url.user == "us@er")
        #expect(url.password == "pa/ss")
        #expect(url.host == "broker.example")
        #expect(url.port == 5673)
        #expect(url.virtualHost == "batch/1")
        #expect(url.heartbeat == 7)
        #expect(!url.isTLS)
        #expect(url.description == "amqp://us@er@broker.example:5673/batch/1")
    }

    @Test(arguments: ["amqp://h", "amqp://h/", "amqp://h/%2F", "AMQP://h:5672"])
    func defaultsAreThoseOfRabbitMQ(text: String) throws {
        let url = try BrokerURL(text)
        #expect(url.virtualHost == "/")
        #expect(url.port == 5672)
        #expect(url.user == "guest")
        #expect(url.heartbeat == BrokerURL.defaultHeartbeat)
    }

    @Test func tlsChecksPeerAndHostByDefault() throws {
        let url = try BrokerURL("amqps://h?cacertfile=/ca.pem&certfile=/c.pem&keyfile=/k.pem")
        #expect(url.isTLS)
        #expect(url.port == 5671)
        #expect(url.verifiesPeer)
        #expect(url.caFile == "/ca.pem")
        #expect(url.certificateFile == "/c.pem")
        #expect(try BrokerURL("amqps://h").caFile == BrokerURL.systemCertificates)
        #expect(try !BrokerURL("amqps://h?verify=verify_none").verifiesPeer)
    }

    @Test func readsIPv6Addresses() throws {
        let url = try BrokerURL("amqp://u:p@[::1]:5999/v")
        #expect(url.host == "::1")
        #expect(url.port == 5999)
        #expect(url.description == "amqp://u@[::1]:5999/v")
    }

    @Test(arguments: [
        ("localhost:5672", "scheme"), ("http://u:hunter2@h", "'http'"), ("amqp://u:hunter2@h:99999", "port"),
        ("amqp://u:hunter2@", "host"), ("amqp://u:hunter2%zz@h", "percent"),
        ("amqp://u:hunter2@h?heartbeat=0", "heartbeat"),
        ("amqps://u:hunter2@h?verify=maybe", "verify_none"), ("amqps://u:hunter2@h?certfile=/c", "keyfile"),
        ("amqp://u:hunter2@h?colour=red", "a query parameter that is unknown"), ("amqp://u:12/hunter2@h", "%40"),
        ("amqp://u:pa@1/hunter2@h/v", "%40"), ("amqp://u:pa?hunter2@h/v", "%40"),
        ("amqp://u:12?heartbeat=hunter2@h", "%40"), ("amqp://uhunter2@h", "no password"),
        ("amqp://u:hunter2@h/a/b", "%2F"), ("amqp://u:12?hunter2=h", "a query parameter"),
        ("hunter2://h", "another one"), ("amqp://u:hunter2@h\n", "character 19"),
        ("amqp://u:1@\u{301}hunter2@h:x", "port"),
    ])
    func saysInOneLineWhatIsWrongWithoutThePassword(text: String, expected: String) throws {
        let error = try #require(throws: BrokerError.self) { try BrokerURL(text) }
        #expect(error.code == .invalidURL)
        #expect(error.description.contains(expected))
        #expect(!error.description.contains("hunter2"))
        #expect(!error.description.contains("\n"))
    }
}
