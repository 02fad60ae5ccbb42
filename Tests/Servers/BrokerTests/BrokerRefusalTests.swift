// What a broker's texts mean, as RabbitMQ 3.10, 3.13 and 4.0 write them.

import Testing

@testable import Broker

struct BrokerRefusalTests {
    @Test(arguments: [
        (530, "NOT_ALLOWED - access to vhost 'v' refused for user 'u': connection limit (10) is reached"),
        (530, "NOT_ALLOWED - connection refused for user 'u': user connection limit (10) is reached"),
        (530, "NOT_ALLOWED - connection refused: node connection limit (10) is reached"),
        (530, "NOT_ALLOWED - number of channels opened for user 'u' has reached the maximum allowed user limit of (1)"),
        (530, "NOT_ALLOWED - vhost 'v' is down"),
        (404, "NOT_FOUND - queue 'q' in vhost 'v' process is stopped by supervisor: home node is down or inaccessible"),
        (406, "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms"),
    ])
    func whatPassesByItselfIsWaitedFor(code: Int, text: String) {
        #expect(BrokerRefusal(code: code, text: text).isTemporary)
        #expect(!BrokerError(.closed(code: code, text: text), "").isPermanent)
    }

    @Test(arguments: [
        (530, "NOT_ALLOWED - vhost v not found"), (530, "NOT_ALLOWED - access to vhost 'v' refused for user 'u'"),
        (403, "ACCESS_REFUSED - access to queue 'q' in vhost 'v' refused for user 'u'"),
        (406, "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'q' in vhost 'v'"),
        (530, "NOT_ALLOWED - access to vhost 'limit is reached, is down' refused for user 'timeout'"),
    ])
    func whatOnlyAPersonMendsIsTold(code: Int, text: String) {
        #expect(BrokerError(.closed(code: code, text: text), "").isPermanent)
    }

    @Test(
        arguments: [
            ("exchange 'e'", "declare exchange 'e'", "configure"), ("queue 'q'", "declare queue 'q'", "configure"),
            ("queue 'q'", "bind queue 'q' to exchange 'e'", "write"),
            ("exchange 'e'", "bind queue 'q' to exchange 'e'", "read"),
            ("queue 'q'", "consume from queue 'q'", "read"), ("exchange 'amq.default'", nil, "write"),
        ] as [(String, String?, String)])
    func theMissingRightIsThatOfTheAction(resource: String, action: String?, right: String) {
        let text = "ACCESS_REFUSED - access to \(resource) in vhost 'v' refused for user 'u'"
        let missing = BrokerRefusal(code: 403, text: text).missingRight(for: action)
        #expect(missing?.right == right && missing?.resource == resource)
    }

    @Test func aBrokerThatNamesTheRightIsBelieved() {
        let text = "ACCESS_REFUSED - write access to exchange 'e' in vhost 'v' refused for user 'u'"
        #expect(BrokerRefusal(code: 403, text: text).missingRight(for: "declare exchange 'e'")?.right == "write")
        #expect(BrokerRefusal(code: 404, text: text).missingRight(for: nil) == nil)
    }
}
