// Users whom a real broker knows and refuses something: limits pass, missing rights are named.

import Fixtures
import Foundation
import Testing

@Suite(
    .serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)),
    .enabled(if: Surroundings.variable("DETDIFFUSION_RABBITMQCTL") != nil, "needs DETDIFFUSION_RABBITMQCTL"))
struct BrokerRightTests {
    /// A virtual host and a user of a test's own.
    private final class Place {
        let name = "rights" + UUID().uuidString.prefix(8).lowercased()
        var url: String

        init() throws {
            var parts = try #require(URLComponents(string: Surroundings.variable("AMQP_URL") ?? ""))
            (parts.user, parts.password, parts.path) = (name, "secret-5", "/" + name)
            url = try #require(parts.string)
            try Self.control(["add_vhost", name])
            try Self.control(["add_user", name, "secret-5"])
            try grant(".*", ".*", ".*")
        }

        deinit {
            _ = try? Self.control(["delete_vhost", name])  // Litter, at worst.
            _ = try? Self.control(["delete_user", name])
        }

        func grant(_ configure: String, _ write: String, _ read: String) throws {
            try Self.control(["set_permissions", "--vhost", name, name, configure, write, read])
        }

        static func control(_ arguments: [String]) throws {
            let command = try #require(Surroundings.variable("DETDIFFUSION_RABBITMQCTL"))
            let result = try RunningProcess("/bin/sh", ["-c", "exec \(command) \"$@\"", "sh"] + arguments).wait()
            guard result.status == 0 else { throw ProcessFailure("rabbitmqctl \(arguments): \(result.errors)") }
        }
    }

    private static let nothing = "^$"

    @Test(.timeLimit(.minutes(2))) func aMissingRightIs77AndNamed() throws {
        let place = try Place()
        try TestWorld.with("rights") { world in
            try world.commands.succeed("producer", ["example", "--out", world.folder + "/example.json"])
            for (rights, right) in [
                ([Self.nothing, ".*", ".*"], "configure exchange 'detdiffusion.v1.control'"),
                ([".*", Self.nothing, ".*"], "write queue 'amq.gen"),
                ([".*", ".*", Self.nothing], "read exchange 'detdiffusion.v1.control'"),
            ] {
                try place.grant(rights[0], rights[1], rights[2])
                let result = try world.commands.run(
                    "worker", ["run", "--amqp-url", place.url, "--log-level", "critical"], limit: .seconds(30))
                Refusal.expect(
                    result, status: 77, says: ["the right to \(right)", place.name], "worker without \(right)")
            }
            func enqueue(at place: Place) throws -> ProcessResult {
                try world.commands.run(
                    "producer",
                    [
                        "enqueue", "--job", "x", "--annotations", world.folder + "/example.json", "--strategy", "hard",
                        "--limit", "2", "--amqp-url", place.url, "--log-level", "critical",
                    ], limit: .seconds(30))
            }
            let empty = try Place()
            try empty.grant(Self.nothing, ".*", ".*")
            Refusal.expect(
                try enqueue(at: empty), status: 77, says: ["the right to configure", "provision"], "nothing is declared"
            )
            #expect(try world.records("jobs").isEmpty, "nothing is recorded that nobody may publish")
            try place.grant(".*", Self.nothing, ".*")
            Refusal.expect(
                try enqueue(at: place), status: 77, says: ["the right to write exchange 'amq.default'"], "producer")
            // What somebody else declared is found by who may not declare.
            try place.grant(Self.nothing, "^amq\\.default$", Self.nothing)
            #expect(try enqueue(at: place).status == 0)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aLimitOfConnectionsIsWaitedFor() throws {
        let place = try Place()
        try Place.control(["set_vhost_limits", "--vhost", place.name, #"{"max-connections": 0}"#])
        try TestWorld.with("rights") { world in
            let annotations = world.folder + "/example.json"
            try world.commands.succeed("producer", ["example", "--out", annotations])
            let enqueue = [
                "enqueue", "--job", "x", "--annotations", annotations, "--strategy", "hard", "--limit", "4", "--size",
                "64x48", "--amqp-url", place.url, "--log-level", "critical",
            ]
            Refusal.expect(
                try world.commands.run("producer", enqueue + ["--patience", "0.2"], limit: .seconds(30)), status: 69,
                says: ["connection limit (0) is reached", "raise the limit"], "producer")
            let producer = try world.commands.start("producer", enqueue)
            let worker = try world.commands.start(
                "worker",
                ["run", "--amqp-url", place.url, "--hint-horizon", "0.5", "--lease", "2", "--log-level", "warning"])
            try worker.waitFor("the broker is away")
            #expect(worker.isRunning && producer.isRunning)
            try Place.control(["clear_vhost_limits", "--vhost", place.name])
            #expect(try producer.wait().status == 0, "\(producer.errors)")
            try world.wait(for: "the job") { try world.records("jobs").first?["state"] as? String == "finished" }
            worker.send(SIGTERM)
            #expect(try worker.wait().status == 0, "\(worker.errors)")
        }
    }
}
