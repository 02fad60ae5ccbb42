// Servers that are away, refuse the password, are not whom they claim to be, or are something else.

import Catalogue
import Fixtures
import Foundation
import Postgres
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct ServerTests {
    /// One server's address made wrong.
    struct Case: Sendable, CustomTestStringConvertible, CustomStringConvertible {
        var testDescription: String
        var description: String { testDescription }
        var status: Int32
        var says: [String]
        /// Changes the plain, or the TLS, address; `nil` when this server has none of that kind.
        var change: @Sendable (URLComponents) -> URLComponents

        init(
            _ name: String, _ status: Int32, _ says: String...,
            change: @escaping @Sendable (inout URLComponents) -> Void
        ) {
            testDescription = name
            self.status = status
            self.says = says
            self.change = { components in
                var changed = components
                change(&changed)
                return changed
            }
        }
    }

    private static let plain: [Case] = [
        Case("nobody listens", 69, "127.0.0.1") { $0.port = 1 },
        Case("no such host", 69, "no-such-host.invalid") { $0.host = "no-such-host.invalid" },
        Case("a wrong password", 77, "password") { $0.password = "secret-3" },
        Case("a wrong user", 77) { $0.user = "nobody" },
    ]
    private static let virtualHost = Case("no such virtual host", 77, "nowhere") { $0.path = "/nowhere" }

    /// The address in a variable, changed.
    private func address(_ variable: String, _ change: (URLComponents) -> URLComponents) throws -> String {
        let url = try #require(Surroundings.variable(variable))
        let components = try #require(URLComponents(string: url))
        return try #require(change(components).string)
    }

    @Test(
        arguments: plain + [
            Case("no such database", 77, "nowhere", "correct its name in the database URL") { $0.path = "/nowhere" }
        ])
    func aWrongCatalogueEndsEveryCommand(hostile: Case) async throws {
        let scratch = try Scratch()
        let commands = Commands(environment: [
            "DATABASE_URL": try address("DATABASE_URL", hostile.change), "DETDIFFUSION_STORE": scratch.path,
        ])
        let annotations = try scratch.write("good.json", Annotations.file())
        for (command, arguments) in [
            ("catalogue", ["jobs"]), ("worker", ["run", "--exit-when-idle", "0"]),
            ("producer", ["enqueue", "--job", "x", "--annotations", annotations, "--strategy", "hard"]),
        ] {
            let result = try commands.run(command, arguments, limit: .seconds(30))
            Refusal.expect(result, status: hostile.status, says: hostile.says, "\(command): \(hostile)")
        }
    }

    @Test(arguments: plain + [virtualHost])
    func aWrongBrokerEndsTheProducerBeforeAnythingIsRecorded(hostile: Case) async throws {
        try await TestCatalogue.with { catalogue in
            try await enqueue(into: catalogue, broker: try address("AMQP_URL", hostile.change), hostile)
        }
    }

    @Test(arguments: plain.filter { $0.status == 77 } + [virtualHost])
    func aBrokerThatRefusesAWorkerEndsIt(hostile: Case) async throws {
        try await TestCatalogue.with { catalogue in
            try await serve(catalogue, broker: try address("AMQP_URL", hostile.change), hostile)
        }
    }

    @Test(arguments: plain.filter { $0.status == 69 })
    func aWorkerWaitsForABrokerThatIsAwayAndSaysSoOnce(hostile: Case) async throws {
        let scratch = try Scratch()
        try await TestCatalogue.with { catalogue in
            try catalogue.provision(store: scratch.path)
            let commands = Commands(environment: [
                "DATABASE_URL": catalogue.url, "AMQP_URL": try address("AMQP_URL", hostile.change),
                "DETDIFFUSION_STORE": scratch.path,
            ])
            let worker = try commands.start("worker", ["run", "--grace", "1", "--log-level", "warning"])
            try worker.waitFor("the broker is away")
            worker.send(SIGTERM)
            let result = try worker.wait(limit: .seconds(30))
            #expect(result.status == 0, "\(hostile): \(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1, "\(hostile): \(result.errors)")
            for word in hostile.says + ["tried again"] { #expect(result.errors.contains(word), "\(result.errors)") }
        }
    }

    /// The catalogue decides, so a broker that is away delays nothing but the workers' notice; one that refuses this
    /// user is told before anything is changed.
    @Test(arguments: plain + [virtualHost])
    func aControlCommandNeedsNoBrokerButARightOne(hostile: Case) async throws {
        try await TestCatalogue.with { catalogue in
            let job = try await catalogue.enqueue("x", tasks: 2, shardSize: 2)
            let commands = Commands(environment: [
                "DATABASE_URL": catalogue.url, "AMQP_URL": try address("AMQP_URL", hostile.change),
            ])
            let result = try commands.run("catalogue", ["pause", "--job", "x"], limit: .seconds(60))
            let paused = try await catalogue.number(
                "SELECT count(*) FROM jobs WHERE id = \(job.id) AND state = 'paused'")
            guard hostile.status == 69 else {
                Refusal.expect(result, status: hostile.status, says: hostile.says, "\(hostile)")
                #expect(paused == 0, "\(hostile)")
                return
            }
            #expect(result.status == 0 && paused == 1, "\(hostile): \(result.errors)")
            #expect(result.output == "job 'x' is paused\n")
            #expect(result.errors.split(separator: "\n").count == 1, "\(hostile): \(result.errors)")
            #expect(result.errors.hasPrefix("the catalogue is changed, but the broker could not tell the workers: "))
        }
    }

    /// A worker ends with one line.
    private func serve(_ catalogue: TestCatalogue, broker: String, _ hostile: Case) async throws {
        let scratch = try Scratch()
        // Another scratch than before: the object directory of the last round was never used.
        try Commands(environment: ["DATABASE_URL": catalogue.url, "DETDIFFUSION_STORE": scratch.path])
            .succeed("catalogue", ["migrate", "--adopt-store"])
        let commands = Commands(environment: [
            "DATABASE_URL": catalogue.url, "AMQP_URL": broker, "DETDIFFUSION_STORE": scratch.path,
        ])
        let result = try commands.run("worker", ["run", "--log-level", "critical"], limit: .seconds(30))
        Refusal.expect(result, status: hostile.status, says: hostile.says, "worker: \(hostile)")
    }

    /// Nothing may be recorded by a command that cannot publish.
    private func enqueue(into catalogue: TestCatalogue, broker: String, _ hostile: Case) async throws {
        let scratch = try Scratch()
        let annotations = try scratch.write("good.json", Annotations.file())
        let commands = Commands(environment: ["DATABASE_URL": catalogue.url, "AMQP_URL": broker])
        let result = try commands.run(
            "producer",
            [
                "enqueue", "--job", "x", "--annotations", annotations, "--strategy", "hard", "--patience", "0.2",
                "--log-level", "critical",
            ], limit: .seconds(30))
        Refusal.expect(result, status: hostile.status, says: hostile.says, "\(hostile)")
        #expect(try await catalogue.number("SELECT count(*) FROM jobs") == 0, "\(hostile)")
    }

    // MARK: TLS

    private static let hasTLS =
        Surroundings.variable("AMQP_URL_TLS") != nil && Surroundings.variable("DATABASE_URL_TLS") != nil

    /// A certificate authority that signed nobody here.
    private func strangeAuthority(in scratch: Scratch) throws -> String {
        let file = scratch.path + "/strange.pem"
        let result = try RunningProcess(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=strange", "-days", "2", "-keyout", scratch.path + "/key.pem", "-out", file,
            ]
        ).wait()
        try #require(result.status == 0, "\(result.errors)")
        return file
    }

    private func replacing(_ key: String, _ value: String) -> @Sendable (inout URLComponents) -> Void {
        { components in
            components.queryItems = (components.queryItems ?? []).map {
                $0.name == key ? URLQueryItem(name: key, value: value) : $0
            }
        }
    }

    @Test(.enabled(if: hasTLS, "needs AMQP_URL_TLS and DATABASE_URL_TLS: run it through ops/test"))
    func aBrokerThatIsNotWhomItClaimsToBeIsRefused() async throws {
        let scratch = try Scratch()
        let garbage = try scratch.write("garbage.pem", "no certificate")
        let cases = [
            Case(
                "another authority", 69, "certificate",
                change: replacing("cacertfile", try strangeAuthority(in: scratch))),
            Case("a missing authority", 69, "/nowhere.pem", change: replacing("cacertfile", "/nowhere.pem")),
            Case("a garbage authority", 69, garbage, change: replacing("cacertfile", garbage)),
            Case("another host name", 69, "127.0.0.1") { $0.host = "127.0.0.1" },
        ]
        try await TestCatalogue.with { catalogue in
            for hostile in cases {
                let broker = try address("AMQP_URL_TLS", hostile.change)
                try await enqueue(into: catalogue, broker: broker, hostile)
                try await serve(catalogue, broker: broker, hostile)
            }
            let plain = URLComponents(string: Surroundings.variable("AMQP_URL") ?? "")?.port
            let toPlain = Case("TLS to a port without", 69, "TLS") { $0.port = plain }
            try await enqueue(into: catalogue, broker: try address("AMQP_URL_TLS", toPlain.change), toPlain)
            let secure = URLComponents(string: Surroundings.variable("AMQP_URL_TLS") ?? "")?.port
            let toSecure = Case("no TLS to a port with", 69, "127.0.0.1") { $0.port = secure }
            try await enqueue(into: catalogue, broker: try address("AMQP_URL", toSecure.change), toSecure)
            let database = URLComponents(string: Surroundings.variable("DATABASE_URL") ?? "")?.port
            let other = Case("another kind of server", 69, "127.0.0.1") { $0.port = database }
            try await enqueue(into: catalogue, broker: try address("AMQP_URL", other.change), other)
        }
    }

    @Test(.enabled(if: hasTLS, "needs AMQP_URL_TLS and DATABASE_URL_TLS: run it through ops/test"))
    func aDatabaseThatIsNotWhomItClaimsToBeIsRefused() throws {
        let scratch = try Scratch()
        let garbage = try scratch.write("garbage.pem", "no certificate")
        let broker = URLComponents(string: Surroundings.variable("AMQP_URL") ?? "")?.port
        for hostile in [
            Case(
                "another authority", 69, "certificate",
                change: replacing("sslrootcert", try strangeAuthority(in: scratch))),
            Case("a missing authority", 69, "/nowhere.pem", change: replacing("sslrootcert", "/nowhere.pem")),
            Case("a garbage authority", 69, garbage, change: replacing("sslrootcert", garbage)),
            Case("another host name", 69, "other.invalid") { components in
                components.host = "other.invalid"
                components.queryItems?.append(URLQueryItem(name: "hostaddr", value: "127.0.0.1"))
            },
            Case("another kind of server", 69, "localhost") { $0.port = broker },
        ] {
            let commands = Commands(environment: ["DATABASE_URL": try address("DATABASE_URL_TLS", hostile.change)])
            Refusal.expect(
                try commands.run("catalogue", ["jobs"]), status: hostile.status, says: hostile.says, "\(hostile)")
        }
    }
}
