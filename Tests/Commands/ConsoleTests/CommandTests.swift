// The built commands as a user meets them: help, errors in one line, exit codes, secrets.

import Fixtures
import Foundation
import Testing

struct HelpTests {
    @Test(arguments: ["producer", "worker", "catalogue"])
    func helpNamesTheExitCodesAndTheVariables(command: String) throws {
        let help = try Commands().succeed(command, ["--help"]).split(whereSeparator: \.isWhitespace).joined(
            separator: " ")
        #expect(help.contains("Exit codes: 0 "))
        for part in [
            "64 wrong options", "65 ", "66 missing", "69 a server is away", "73 ", "77 wrong credentials", "78 ",
        ] {
            #expect(help.contains(part), "\(command): \(part)")
        }
        for variable in ["AMQP_URL", "DATABASE_URL"] { #expect(help.contains(variable)) }
    }

    @Test(arguments: [
        ["producer", "plan"], ["producer", "enqueue"], ["producer", "example"], ["worker", "run"],
        ["catalogue", "jobs"],
        ["catalogue", "watch"], ["catalogue", "audit"], ["catalogue", "export", "coco"], ["catalogue", "gc"],
    ])
    func everySubcommandHasHelp(words: [String]) throws {
        let result = try Commands().run(words[0], Array(words.dropFirst()) + ["--help"])
        #expect(result.status == 0 && result.output.contains("USAGE:") && result.errors.isEmpty)
    }
}

struct ErrorLineTests {
    private static let nobody = Commands(environment: [
        "AMQP_URL": "amqp://user:Geheimnis1@127.0.0.1:1/x",
        "DATABASE_URL": "postgresql://user:Geheimnis2@127.0.0.1:1/x",
        "DETDIFFUSION_STORE": FileManager.default.temporaryDirectory.path + "/console-store",
    ])
    private static let bare = Commands(environment: ["AMQP_URL": "", "DATABASE_URL": "", "DETDIFFUSION_STORE": ""])

    @Test(arguments: [
        ("producer", ["plan", "--annotations", "a", "--strategy", "hard", "--nonsense"], "--nonsense"),
        ("producer", ["enqueue"], "--job"),
        ("producer", ["plan", "--annotations", "a", "--strategy", "wild"], "wild"),
        ("producer", ["plan", "--annotations", "a", "--strategy", "hard", "--seed=-1"], "-1"),
        ("producer", ["plan", "--annotations", "a", "--strategy", "hard", "--bins", "0x256"], "0x256"),
        ("producer", ["plan", "--annotations", "a", "--strategy", "hard", "--size", "800"], "800"),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "hard", "--size", "801x456"],
            "--size: expected a width"
        ),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "hard", "--generator", "dall e"],
            "--generator: expected 1 to 40 of a-z"
        ),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "origin", "--detections", "d", "--gamma", "2"],
            "--gamma and --beta: expected numbers from 0 to 1, found 2.0"
        ),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "origin", "--detections", "d", "--beta", "nan"],
            "found 0.3 and nan"
        ),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "hard", "--samples", "0"],
            "--samples: expected 1 to 1000"
        ),
        (
            "producer", ["enqueue", "--job", "a/b", "--annotations", "a", "--strategy", "hard"],
            "--job: expected 1 to 100 letters"
        ),
        (
            "producer", ["enqueue", "--job", "a", "--annotations", "a", "--strategy", "hard", "--hint-size", "0"],
            "--hint-size"
        ),
        (
            "producer", ["enqueue", "--job", "a", "--annotations", "a", "--strategy", "hard", "--max-attempts", "0"],
            "--max-attempts"
        ),
        ("producer", ["frobnicate"], "frobnicate"),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "hard", "--target", "uniform"],
            "--target: expected --rebalance beside it, found none"
        ),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "hard", "--rebalance", "size", "--grid", "2x2"],
            "--grid: it is for --rebalance position, found size"
        ),
        ("producer", ["plan", "--annotations", "a", "--strategy", "hard", "--rebalance", "color"], "color"),
        (
            "producer",
            [
                "enqueue", "--job", "a", "--annotations", "a", "--strategy", "hard", "--rebalance", "frequency",
                "--target",
                "repeat-factor:often",
            ],
            "--target repeat-factor: expected a threshold above 0 and up to 1, found 'often'"
        ),
        (
            "producer",
            ["plan", "--annotations", "a", "--strategy", "hard", "--rebalance", "size", "--samples", "2"],
            "--samples: --rebalance decides how often each layout is generated; drop one of the two"
        ),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "hard", "--rules", "r"],
            "--rules: strategy hard has none; drop the option, or use --strategy mixed"
        ),
        (
            "producer", ["plan", "--annotations", "a", "--strategy", "mixed"],
            "--strategy mixed: expected --rules FILE beside it, found none"
        ),
        ("worker", ["run", "--batch", "0"], "--batch: expected 1 to 10000, found 0"),
        ("worker", ["run", "--lease", "nan"], "--lease: expected seconds"),
        ("worker", ["run", "--generator", "dall-e"], "--generator: expected one of sketch, blank, diffusion, program"),
        ("worker", ["run", "--lease", "soon"], "soon"),
        ("worker", ["run", "--detector", "abacus"], "abacus"),
        ("worker", ["run", "--detector", "fcos"], "--weights: expected the detector's weights, found none"),
        ("worker", ["run", "--weights", "w"], "--weights: expected --detector NAME beside it"),
        ("worker", ["run", "--images", "d"], "--images: expected --detector NAME beside it"),
        ("worker", ["run", "--detector", "fcos", "--weights", "w"], "--detector: expected --images DIR beside it"),
        ("producer", ["attributes", "--job", "a", "--annotations", "a"], "--detector: expected one of yolov4"),
        (
            "producer", ["attributes", "--job", "a", "--annotations", "a", "--detector", "yolov4", "--weights", "w"],
            "--cfg: expected darknet's .cfg file"
        ),
        (
            "producer",
            ["attributes", "--job", "a", "--annotations", "a", "--detector", "fcos", "--weights", "w", "--gamma", "2"],
            "--gamma and --beta: expected numbers from 0 to 1"
        ),
        ("catalogue", ["jobs", "--state", "odd"], "odd"),
        ("catalogue", ["jobs", "--limit=-1"], "--limit: expected 0 or more"),
        ("catalogue", ["watch", "--every", "0"], "--every: expected"),
        ("catalogue", ["watch", "--timeout", "nan"], "--timeout: expected"),
        ("catalogue", ["watch", "--timeout", "1e300"], "--timeout: expected"),
        ("catalogue", ["finish", "--job", "x", "--allow-dead=-1"], "--allow-dead"),
        ("catalogue", ["reconcile"], "--dry-run or --fix"),
    ])
    func wrongOptionsAreOneLineAnd64(command: String, arguments: [String], says: String) throws {
        let result = try Self.nobody.run(command, arguments)
        expectLine(result, status: 64, says: says, "\(command) \(arguments)")
    }

    @Test(
        arguments: [
            (
                "producer", ["enqueue", "--job", "x", "--annotations", #filePath, "--strategy", "hard"], 65,
                "CommandTests.swift"
            ),
            ("producer", ["plan", "--annotations", "/does/not/exist", "--strategy", "hard"], 66, "/does/not/exist"),
            ("producer", ["example", "--out", "/does/not/exist/example.json"], 73, "/does/not/exist/example.json"),
            ("worker", ["run", "--profile", "/does/not/exist"], 66, "profile /does/not/exist"),
            ("worker", ["run", "--profile", #filePath], 65, "expected a JSON object"),
        ] as [(String, [String], Int32, String)])
    func filesAreNamed(command: String, arguments: [String], status: Int32, says: String) throws {
        expectLine(try Self.nobody.run(command, arguments), status: status, says: says, "\(command) \(arguments)")
    }

    @Test(arguments: [
        ("catalogue", ["jobs"], "--database-url", "DATABASE_URL"),
        ("worker", ["run"], "--database-url", "DATABASE_URL"),
        ("worker", ["run", "--database-url", "postgresql://127.0.0.1:1/x"], "--store", "DETDIFFUSION_STORE"),
        ("catalogue", ["pause", "--job", "x"], "--amqp-url", "AMQP_URL"),
    ])
    func aMissingVariableIsNamedWithItsFlag(command: String, arguments: [String], flag: String, variable: String) throws
    {
        let result = try Self.bare.run(command, arguments)
        expectLine(result, status: 64, says: "\(flag): expected a value or the environment variable \(variable)", flag)
    }

    @Test(
        arguments: [
            (
                #"{"batch": 4, "bacth": 5}"#, 65,
                "unknown key 'bacth'; expected batch, checkpoints, detectors, device, exitWhenIdle"
            ),
            (#"{"batch": "many"}"#, 65, "key 'batch'"),
            (#"{"batch": 4, "pack": true, "b\u0061tch": 5}"#, 65, "key 'batch' is there twice"),
            (#"{"programs": [{"path": "a", "path": "b"}]}"#, 65, "key 'programs.path' is there twice"),
            (#"{"programs": [{"path": "a"}, {"path": "b"}], "batch": 0}"#, 64, "expected 1 to 10000, found 0"),
            (#"{"batch": 0, "generators": ["\"}", "a", "a"]}"#, 64, "expected 1 to 10000, found 0"),
            (#"{"detectors": [{"detector": "yolov4", "wieghts": "w"}]}"#, 65, "unknown key 'wieghts'"),
            (
                #"{"detectors": [{"detector": "abacus", "weights": "w", "images": "i"}]}"#, 65,
                "profile: detectors: expected one of yolov4, faster-rcnn, fcos, atss, found 'abacus'"
            ),
            ("[1]", 65, "expected a JSON object, found another value"), ("", 65, "expected a JSON object"),
            (#"{"batch": 0}"#, 64, "expected 1 to 10000, found 0"),
            (#"{"lease": 0.1}"#, 64, "expected seconds from 0.5"),
            (#"{"generators": ["dall-e"]}"#, 64, "expected one of sketch, blank, diffusion, program, found 'dall-e'"),
            (#"{"generators": [], "pack": false}"#, 64, "expected a generator, a detector or packing"),
        ] as [(String, Int32, String)])
    func aProfileIsReadStrictly(text: String, status: Int32, says: String) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).json").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        expectLine(try Self.nobody.run("worker", ["run", "--profile", path]), status: status, says: says, text)
    }

    @Test(arguments: [
        ["export", "coco", "--job", "x", "--out", "out"], ["export", "webdataset", "--job", "x", "--out", "out"],
        ["sheet", "--job", "x", "--out", "sheet.png"],
    ])
    func aStoreWithRemnantsOfAShellIsNamedAndNotMade(arguments: [String]) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/mistyped-" + UUID().uuidString
        for (path, remnant) in [
            (folder + "\n", "a line end"), (folder + "\r\n", "a line end"), (folder + " ", "white space"),
            ("\"\(folder)\"", "a quotation mark"), ("'\(folder)'", "a quotation mark"),
        ] {
            let result = try Self.nobody.run("catalogue", arguments + ["--store", path])
            expectLine(result, status: 64, says: "--store: expected a path, found ", "\(arguments)")
            #expect(result.errors.contains("with \(remnant) at its beginning or end"), "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test(arguments: [
        ("catalogue", ["migrate"]), ("catalogue", ["provision"]), ("worker", ["run"]),
        ("catalogue", ["sheet", "--job", "x", "--out", "sheet.png"]),
        ("catalogue", ["export", "webdataset", "--job", "x", "--out", "out"]),
    ])
    func aStoreOfAnUnknownSchemeIsRefused(command: String, arguments: [String]) throws {
        let result = try Self.nobody.run(command, arguments + ["--store", "s3://bucket/prefix"])
        expectLine(
            result, status: 64, says: "found an address of the scheme 's3', which this version does not know",
            "\(command) \(arguments)")
        #expect(result.errors.contains("--store: ") && result.errors.contains("s3://bucket/prefix"))
    }

    @Test func aServerThatIsAwayIs69AndItsPasswordIsNotShown() throws {
        let result = try Self.nobody.run("catalogue", ["jobs"])
        expectLine(result, status: 69, says: "127.0.0.1", "jobs")
        #expect(!(result.errors + result.output).contains("Geheimnis"))
    }

    @Test(arguments: [
        ["run", "amqp://user:Geheimnis3@host/x"], ["run", "--amqp-rul", "amqp://user:Geheimnis3@host"],
        ["run", "--lease", "postgresql://user:Geheimnis3@host"], ["run", "--amqp-url", "http://user:Geheimnis3@host"],
        ["run", "--database-url", "postgresql://user:Geheimnis3@host:port/x"],
        ["run", "--database-url", "password=Geheimnis3 port"],
    ])
    func aMistypedOptionShowsNoPassword(arguments: [String]) throws {
        let result = try Self.nobody.run("worker", arguments)
        #expect(result.status == 64, "\(arguments): \(result.status) \(result.errors)")
        #expect(!(result.errors + result.output).contains("Geheimnis3"), "\(result.errors)")
    }

    private func expectLine(_ result: ProcessResult, status: Int32, says: String, _ comment: String) {
        #expect(result.status == status, "\(comment): \(result.errors)")
        #expect(result.errors.contains(says), "\(comment): \(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(comment): \(result.errors)")
        #expect(result.errors.hasPrefix("detdiffusion-"), "\(comment): \(result.errors)")
        #expect(result.output.isEmpty, "\(comment): \(result.output)")
    }
}

@Suite(.serialized, .enabled(if: Surroundings.hasServers, Comment(rawValue: Surroundings.serversMissing)))
struct CredentialTests {
    /// The server's URL with another password.
    private func wrong(_ variable: String) throws -> String {
        var components = try #require(URLComponents(string: Surroundings.variable(variable) ?? ""))
        components.password = "Geheimnis4"
        return try #require(components.string)
    }

    @Test func aWrongDatabasePasswordIs77AndIsNotShown() throws {
        let result = try Commands(environment: ["DATABASE_URL": try wrong("DATABASE_URL")]).run("catalogue", ["jobs"])
        #expect(result.status == 77, "\(result.errors)")
        #expect(
            result.errors.split(separator: "\n").count == 1 && !result.errors.contains("Geheimnis4"), "\(result.errors)"
        )
    }

    @Test func aWrongBrokerPasswordIs77AndIsNotShown() throws {
        try TestWorld.with("console") { world in
            let result = try world.commands.run(
                "worker", ["run", "--amqp-url", try wrong("AMQP_URL"), "--log-level", "error"])
            #expect(result.status == 77, "\(result.errors)")
            #expect(!result.errors.contains("Geheimnis4"), "\(result.errors)")
            let last = try #require(result.errors.split(separator: "\n").last)
            #expect(last.hasPrefix("detdiffusion-worker: "), "\(result.errors)")
        }
    }

    @Test func processListsShowNoPassword() throws {
        try TestWorld.with("console") { world in
            let database = try #require(world.commands.environment["DATABASE_URL"])
            let broker = try #require(Surroundings.variable("AMQP_URL"))
            let worker = try Commands(environment: [
                "DETDIFFUSION_STORE": world.store, "DATABASE_URL": "", "AMQP_URL": "",
            ]).start(
                "worker", ["run", "--database-url", database, "--amqp-url=\(broker)", "--log-level", "trace"])
            try worker.waitFor("Worker started")
            let title = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(worker.identifier)/cmdline"))
            let text = String(decoding: title, as: UTF8.self)
            let passwords = try [database, broker].map { try #require(URLComponents(string: $0)?.password) }
            for password in passwords { #expect(!text.contains(password), "\(text)") }
            #expect(text.contains("--database-url") && text.contains("xxx"))
            worker.send(SIGTERM)
            let result = try worker.wait()
            #expect(result.status == 0)
            for password in passwords { #expect(!(result.errors + result.output).contains(password)) }
        }
    }
}
