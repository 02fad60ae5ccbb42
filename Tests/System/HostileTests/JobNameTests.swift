// Names that no job can have, given to the commands that look a job up.

import Fixtures
import Foundation
import Postgres
import Testing

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct JobNameTests {
    private static let names = [
        "../../etc/passwd", "a/b", "a\u{1B}[31m\nb\u{7}", String(repeating: "n", count: 10_000), "",
        "'; DROP TABLE jobs; --", "a\u{202E}b",
    ]

    private static let commands = [
        ["pause"], ["resume"], ["cancel"], ["retry"], ["finish", "--allow-dead", "1"], ["purge"], ["watch"], ["audit"],
        ["export", "coco", "--out", "out"], ["export", "webdataset", "--out", "out"], ["sheet", "--out", "out"],
    ]

    @Test func aNameThatNoJobHasIs78() async throws {
        let scratch = try Scratch()
        try await TestCatalogue.with { catalogue in
            try catalogue.provision(store: scratch.path + "/store")
            _ = try await catalogue.enqueue("real", tasks: 2, shardSize: 2)
            let environment = ["DATABASE_URL": catalogue.url, "DETDIFFUSION_STORE": scratch.path + "/store"]
            for command in Self.commands {
                let arguments = command.map { $0 == "out" ? scratch.path + "/out" : $0 }
                for name in Self.names {
                    let result = try Commands(environment: environment).run("catalogue", arguments + ["--job", name])
                    Refusal.expect(
                        result, status: 78, says: ["does not exist", "`detdiffusion-catalogue jobs`"],
                        "\(command[0]) \(name.prefix(30))")
                }
            }
            #expect(try scratch.entries() == ["store"])
            #expect(try await catalogue.number("SELECT count(*) FROM jobs WHERE state = 'running'") == 1)
        }
    }
}
