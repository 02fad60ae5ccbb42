// A catalogue whose schema is older, newer, edited or not there.

import Fixtures
import Foundation
import Postgres
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct SchemaTests {
    private static let harms: [(String, SQL, [String])] = [
        (
            "newer", "INSERT INTO schema_migrations (version, name, sha256) VALUES (9999, 'later', 'x')",
            ["9999", "upgrade"]
        ),
        (
            "older", "DELETE FROM schema_migrations WHERE version = (SELECT max(version) FROM schema_migrations)",
            ["expected version", "1 migration", "detdiffusion-catalogue migrate"]
        ),
        ("none", "DROP TABLE schema_migrations", ["not applied", "detdiffusion-catalogue migrate"]),
        (
            "edited", "UPDATE schema_migrations SET sha256 = repeat('0', 64) WHERE version = 1",
            ["migration 1", "SHA-256"]
        ),
    ]

    @Test(arguments: harms)
    func aSchemaThatIsNotThisProgramsIs78(name: String, harm: SQL, says: [String]) async throws {
        let scratch = try Scratch()
        let annotations = try scratch.write("good.json", Annotations.file())
        try await TestCatalogue.with { catalogue in
            try await catalogue.execute(harm)
            let commands = Commands(environment: ["DATABASE_URL": catalogue.url, "DETDIFFUSION_STORE": scratch.path])
            for (command, arguments) in [
                ("catalogue", ["jobs"]), ("catalogue", ["audit"]), ("catalogue", ["pause", "--job", "x"]),
                ("producer", ["enqueue", "--job", "x", "--annotations", annotations, "--strategy", "hard"]),
                ("worker", ["run", "--exit-when-idle", "0"]),
            ] {
                let result = try commands.run(command, arguments)
                Refusal.expect(result, status: 78, says: says, "\(name): \(command) \(arguments[0])")
            }
            #expect(try await catalogue.number("SELECT count(*) FROM jobs") == 0)
            #expect(try await catalogue.number("SELECT count(*) FROM workers") == 0)
        }
    }
}
