// What doctor asks a broker, and what TLS refuses.

import Testing

@testable import Broker

@Suite(.enabled(if: TestBroker.isThere, TestBroker.missing), .timeLimit(.minutes(1)))
struct BrokerProbeTests {
    @Test func tellsWhoTheBrokerIsAndWhichQueuesExist() async throws {
        try await TestBroker.withQueue { queue in
            try await TestBroker.withPublisher(nil, TestBroker.topology(queue)) { publisher in
                try await publisher.publish([TestBroker.message(1, to: queue)], deadline: .seconds(20))
            }
            let facts = try await BrokerProbe.check(TestBroker.url(), queues: ["detdiffusion.test.nowhere", queue])
            #expect(facts.product == "RabbitMQ")
            #expect(facts.version.contains("."))
            #expect(!facts.clusterName.isEmpty)
            #expect(facts.queueExists(queue))
            #expect(!facts.queueExists("detdiffusion.test.nowhere"))
        }
    }

    @Test func aClosedPortIsOneClearError() async throws {
        var url = try TestBroker.url()
        url.port = 1
        let error = try await #require(throws: BrokerError.self) { try await BrokerProbe.check(url) }
        #expect(error.code == .unavailable)
        #expect(error.description.contains("\(url)"))
        #expect(error.description.contains("connection refused"))
    }

    @Test func tlsToAPortWithoutItIsOneClearError() async throws {
        var url = try TestBroker.url()
        url.isTLS = true
        let error = try await #require(throws: BrokerError.self) { try await BrokerProbe.check(url) }
        #expect(error.code == .tls)
    }
}

@Suite(.enabled(if: TestBroker.tlsURL != nil, "AMQPS_URL is not set: no broker to test TLS against"))
struct BrokerTLSTests {
    private func url() throws -> BrokerURL { try BrokerURL(#require(TestBroker.tlsURL)) }

    @Test func aTrustedBrokerIsAccepted() async throws {
        #expect(try await BrokerProbe.check(url()).product == "RabbitMQ")
    }

    @Test func anUntrustedCertificateIsRefusedBeforeThePasswordIsSent() async throws {
        var url = try url()
        url.caFile = BrokerURL.systemCertificates
        let error = try await #require(throws: BrokerError.self) { try await BrokerProbe.check(url) }
        #expect(error.code == .tls)
        #expect(error.description.contains("cacertfile"))
        url.verifiesPeer = false
        #expect(try await BrokerProbe.check(url).product == "RabbitMQ")
    }

    @Test func aCertificateForAnotherHostIsRefused() async throws {
        var url = try url()
        url.host = "127.0.0.1"
        let error = try await #require(throws: BrokerError.self) { try await BrokerProbe.check(url) }
        #expect(error.code == .tls)
        #expect(error.description.contains("host name"))
    }

    @Test func aMissingCertificateFileIsNamed() async throws {
        var url = try url()
        url.caFile = "/nowhere/ca.pem"
        let error = try await #require(throws: BrokerError.self) { try await BrokerProbe.check(url) }
        #expect(error.description.contains("/nowhere/ca.pem"))
    }
}
