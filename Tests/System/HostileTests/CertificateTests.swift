// Certificates that are good in all but one way, and ports that accept a connection and close it, met with TLS.

import Broker
import Fixtures
import Foundation
import Postgres
import Testing

@Suite(.serialized, .timeLimit(.minutes(2)))
struct CertificateTests {
    @Test func eachFaultOfACertificateIsNamedAsWhatItIs() async throws {
        let authority = try Authority()
        for (stem, certificate, words) in [
            (
                "expired", try authority.sign("expired", from: "20200101000000Z", to: "20210101000000Z"),
                "expired on 2021-01-01"
            ),
            (
                "early", try authority.sign("early", from: "20980101000000Z", to: "20990101000000Z"),
                "is not valid before 2098-01-01"
            ),
            ("purpose", try authority.sign("purpose", usage: "clientAuth"), "is not for a server"),
            ("host", try authority.sign("host", name: "elsewhere"), "is not for the host name localhost"),
        ] {
            let server = try TLSServer(certificate)
            let error = try await #require(throws: BrokerError.self) {
                try await BrokerProbe.check(server.url(trusting: authority.file))
            }
            #expect(error.code == .tls && error.isPermanent)
            #expect(error.description.contains(words), "\(error)")
            guard stem != "host" else { continue }  // libpq says that itself.
            let front = try PostgresFront(to: server.port)
            let database = try DatabaseURL(
                "postgresql://u:p@localhost:\(front.number)/d?sslmode=verify-full&sslrootcert=\(authority.file)")
            let connection = Connection(
                url: database, applicationName: "certificates", logger: TestCatalogue.quietLogger)
            let refusal = try await #require(throws: PostgresError.self) {
                try await connection.query("SELECT 1 AS one")
            }
            #expect(refusal.code == .unavailable && refusal.description.contains(words), "\(refusal)")
        }
    }

    @Test func aGoodCertificateOfAnotherAuthorityIsNamedAsThat() async throws {
        let authority = try Authority(), other = try Authority()
        let server = try TLSServer(try authority.sign("good"))
        let error = try await #require(throws: BrokerError.self) {
            try await BrokerProbe.check(server.url(trusting: other.file))
        }
        #expect(error.code == .tls && error.description.contains("not signed by an authority in \(other.file)"))
    }

    @Test(arguments: ["amqp", "amqps"], [false, true])
    func aPortThatAcceptsAndClosesIsWaitedFor(scheme: String, resets: Bool) async throws {
        let authority = try Authority()
        let port = try ClosingPort(resets: resets)
        let url = try BrokerURL("\(scheme)://u:p@localhost:\(port.number)/v?cacertfile=\(authority.file)")
        let error = try await #require(throws: BrokerError.self) { try await BrokerProbe.check(url) }
        #expect(error.code == .unavailable && !error.isPermanent, "\(error)")
    }
}

/// A certificate authority in its own folder.
private final class Authority {
    let folder: String
    var file: String { folder + "/ca.pem" }

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/authority-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let settings = """
            [ca]
            default_ca = own
            [own]
            database = index
            serial = serial
            new_certs_dir = .
            certificate = ca.pem
            private_key = ca-key.pem
            default_md = sha256
            policy = any
            unique_subject = no
            [any]
            commonName = supplied
            """
        try settings.write(toFile: folder + "/ca.cnf", atomically: true, encoding: .utf8)
        try "01\n".write(toFile: folder + "/serial", atomically: true, encoding: .utf8)
        try "".write(toFile: folder + "/index", atomically: true, encoding: .utf8)
        try openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3 -subj /CN=test -keyout ca-key.pem -out ca.pem "
                + "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }  // Litter, at worst.

    /// Signs a server's certificate for localhost that is good where nothing else is said; its file's stem.
    func sign(
        _ stem: String, name: String = "localhost", usage: String = "serverAuth", from: String = "20200101000000Z",
        to: String = "20900101000000Z"
    ) throws -> String {
        try openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=\(name) -keyout \(stem)-key.pem -out \(stem).csr"
        )
        try "subjectAltName=DNS:\(name)\nextendedKeyUsage=\(usage)\n".write(
            toFile: "\(folder)/\(stem).cnf", atomically: true, encoding: .utf8)
        try openssl(
            "ca -batch -notext -config ca.cnf -extfile \(stem).cnf -startdate \(from) -enddate \(to) -in \(stem).csr "
                + "-out \(stem).pem")
        return "\(folder)/\(stem)"
    }

    private func openssl(_ arguments: String) throws {
        let result = try RunningProcess("/bin/sh", ["-c", "cd \"$0\" && exec openssl \(arguments)", folder]).wait()
        try #require(result.status == 0, "openssl \(arguments): \(result.errors)")
    }
}

/// A TLS server that shows a certificate and says nothing; ended by its id.
private final class TLSServer {
    private let process: RunningProcess
    let port: UInt16

    init(_ stem: String) throws {
        port = try LoopbackPort.free()
        process = try RunningProcess(
            "/usr/bin/env",
            [
                "openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-cert", stem + ".pem", "-key",
                stem + "-key.pem",
                "-quiet", "-naccept", "9",
            ])
        let deadline = ContinuousClock.now + .seconds(20)
        while !LoopbackPort.isTaken(port) {
            try #require(process.isRunning && ContinuousClock.now < deadline, "\(process.errors)")
            usleep(5_000)
        }
    }

    func url(trusting file: String) throws -> BrokerURL {
        try BrokerURL("amqps://u:p@localhost:\(port)/v?cacertfile=\(file)")
    }
}

/// A port that closes every connection at once, as a proxy does in front of a server that is not up.
private final class ClosingPort {
    let number: UInt16
    private let descriptor: Int32

    /// - Parameter resets: whether the peer gets a reset instead of an end.
    init(resets: Bool) throws {
        let (descriptor, number) = try LoopbackPort.listener()
        (self.descriptor, self.number) = (descriptor, number)
        Thread.detachNewThread {
            while true {
                let peer = accept(descriptor, nil, nil)
                guard peer >= 0 else { return }
                if resets {
                    var now = linger(l_onoff: 1, l_linger: 0)
                    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
                }
                close(peer)
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }
}

/// Answers PostgreSQL's question for TLS with yes, and hands everything else to a TLS server.
private final class PostgresFront {
    let number: UInt16
    private let descriptor: Int32

    init(to port: UInt16) throws {
        let (descriptor, number) = try LoopbackPort.listener()
        (self.descriptor, self.number) = (descriptor, number)
        Thread.detachNewThread {
            while true {
                let peer = accept(descriptor, nil, nil)
                guard peer >= 0 else { return }
                Thread.detachNewThread { Self.serve(peer, port) }
            }
        }
    }

    deinit {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }

    private static func serve(_ peer: Int32, _ port: UInt16) {
        var request = [UInt8](repeating: 0, count: 8)
        let server = LoopbackPort.connect(to: port)
        guard recv(peer, &request, 8, Int32(MSG_WAITALL)) == 8, send(peer, "S", 1, 0) == 1 else { return }
        let isAnswered = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            relay(from: server, to: peer)
            isAnswered.signal()
        }
        relay(from: peer, to: server)
        isAnswered.wait()
        // Not before both ways have ended: the numbers would be somebody else's.
        close(peer)
        close(server)
    }

    private static func relay(from source: Int32, to target: Int32) {
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(source, &bytes, bytes.count, 0)
            guard count > 0, send(target, bytes, count, Int32(MSG_NOSIGNAL)) == count else { break }
        }
        shutdown(target, Int32(SHUT_RDWR))
        shutdown(source, Int32(SHUT_RDWR))
    }
}
