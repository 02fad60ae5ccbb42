// Failures that no retry mends: a worker ends with an error, and gives back what it holds.

import Fixtures
import Foundation
import Testing

@Suite(.enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct WorkerFailureTests {
    @Test func aClaimWhoseAnswerIsLostIsGivenBackAndIsNobodysDeath() throws {
        try CrashWorld.with { world in
            try world.enqueue()
            let result = try world.commands.run(
                "worker", CrashWorld.workerArguments, failpoints: "postgres.lost-answer.claim=error@2")
            #expect(result.status == 0, "\(result.errors.suffix(1500))")
            #expect(result.errors.contains("this was during COMMIT"), "\(result.errors.suffix(1500))")
            #expect(try world.world.sql("SELECT sum(attempt), sum(deaths) FROM tasks") == ["0|0"])
            try world.expectWhole()
        }
    }

    @Test func aWorkerWhoseResultsTheCatalogueRefusesEndsAndHoldsNothing() throws {
        try CrashWorld.with { world in
            try world.enqueue()
            try world.world.sql(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE EXCEPTION 'refused by a test'; END $$;
                CREATE TRIGGER refuse BEFORE INSERT ON outputs FOR EACH ROW EXECUTE FUNCTION refuse()
                """)
            let result = try world.commands.run(
                "worker", CrashWorld.workerArguments + ["--grace", "1"], limit: .seconds(30))
            #expect(result.status == 70, "\(result.errors.suffix(1500))")
            #expect(result.errors.contains("refused by a test"))
            #expect(try world.records("tasks").allSatisfy { $0["state"] as? String == "open" })
            #expect(try world.records("tasks").allSatisfy { $0["deaths"] as? Int == 0 })
            #expect(try world.records("workers").allSatisfy { $0["state"] as? String == "stopped" })
            try world.world.sql("DROP TRIGGER refuse ON outputs")
            try world.heal()
            try world.expectWhole()
        }
    }
}
