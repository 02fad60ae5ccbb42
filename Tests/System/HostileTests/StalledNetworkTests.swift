// A network between worker and catalogue that stalls without ending a connection.

import Fixtures
import Foundation
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct StalledNetworkTests {
    private static let lease = 12.0

    /// The lease lasts longer than it takes to say that it cannot be renewed, so somebody can act, and nothing is lost.
    @Test(.timeLimit(.minutes(2)))
    func aWorkerThatCannotRenewSaysSoWithinAThirdOfTheLease() throws {
        let server = try #require(URLComponents(string: Surroundings.variable("DATABASE_URL") ?? "")?.port)
        let proxy = try StallingProxy(to: UInt16(server))
        try TestWorld.with("stall") { world in
            try world.enqueue("stall", limit: 4, ["--generator", "blank"])
            var parts = try #require(URLComponents(string: world.commands.environment["DATABASE_URL"] ?? ""))
            parts.port = Int(proxy.port)
            let commands = Commands(
                environment: world.commands.environment.merging(["DATABASE_URL": try #require(parts.string)]) { $1 })
            let worker = try commands.start(
                "worker",
                [
                    "run", "--generator", "blank", "--blank-delay", "2000", "--lease", "\(Self.lease)",
                    "--exit-when-idle", "0.5", "--hint-horizon", "1", "--log-level", "warning",
                ])
            let renewed =
                "SELECT count(*) FROM leases WHERE expires_at > acquired_at + interval '\(Self.lease + 1) seconds'"
            try world.wait(for: "a renewal") { try world.sql(renewed) == ["1"] }
            proxy.stall()
            let begin = ContinuousClock.now
            try worker.waitFor("renew leases")
            let told = ContinuousClock.now - begin
            proxy.goOn()
            // A third is 4 s; the moment until a busy host lets this test look is not the worker's.
            #expect(told < .seconds(Self.lease / 3 + 1), "\(told)")
            #expect(worker.errors.contains("no answer within"), "\(worker.errors)")
            let result = try worker.wait()
            #expect(result.status == 0, "\(result.errors)")
            #expect(!result.errors.contains("A lease was lost"), "\(result.errors)")
            #expect(
                try world.sql("SELECT count(*), max(attempt) FROM tasks WHERE kind = 'generate' AND state = 'done'")
                    == ["4|0"])
        }
    }
}
