// Hostile options: each is refused before a file or a server is touched.

import Fixtures
import Testing

struct OptionTests {
    private static let long = String(repeating: "n", count: 10_000)
    private static let control = "a\u{1B}[31m\nb\u{7}"

    private static func enqueue(_ more: String..., job: String = "x") -> [String] {
        ["enqueue", "--job", job, "--annotations", "/nowhere", "--strategy", "hard"] + more
    }

    private static let producer: [([String], String)] = [
        (["plan", "--annotations", "a", "--strategy", "harder"], "harder"),
        (["plan", "--annotations", "a", "--strategy", control], "--strategy"),
        (enqueue("--size", "801x456"), "--size: expected a width from 8 to 4096"),
        (enqueue("--size", "800x450"), "--size: expected a height"), (enqueue("--size", "99999992x8"), "--size"),
        (enqueue("--size", "-8x8"), "--size"), (enqueue("--size", "0x0"), "--size"),
        (enqueue("--size", "99999999999999999999x8"), "--size"), (enqueue("--size", long), "--size"),
        (enqueue("--shard-size", "0"), "--shard-size: expected 1 to 10000,"),
        (enqueue("--shard-size", "-1"), "--shard-size"),
        (enqueue("--shard-size", "9223372036854775807"), "--shard-size"),
        (enqueue("--shard-size", "9223372036854775808"), "--shard-size"),
        (enqueue("--samples", "0"), "--samples"), (enqueue("--limit", "0"), "--limit: expected at least 1"),
        (enqueue("--seed", "18446744073709551615"), "--seed: expected less than 2^53"),
        (enqueue("--bins", "0x0"), "--bins"), (enqueue("--bins", "4294967296x4294967296"), "--bins"),
        (enqueue("--hint-size", "0"), "--hint-size: expected 1 to 100000"),
        (enqueue("--generator", control), "--generator"),
        (enqueue("--generator", long), "--generator"), (enqueue("--max-attempts", "101"), "--max-attempts"),
        (enqueue(job: "../../etc/passwd"), "--job: expected 1 to 100"), (enqueue(job: "a/b"), "--job"),
        (enqueue(job: control), "--job"), (enqueue(job: long), "(10000 characters)"), (enqueue(job: ""), "--job"),
        (enqueue(job: ".hidden"), "--job"), (enqueue(job: "naïve"), "--job"), (enqueue(job: "a b"), "--job"),
        (enqueue(job: "a\u{202E}b"), "--job"), (enqueue(job: "'; DROP TABLE jobs; --"), "--job"),
    ]

    @Test(arguments: producer)
    func aWrongOptionOfTheProducerIs64(arguments: [String], says: String) throws {
        Refusal.expect(
            try Refusal.nobody.run("producer", arguments), status: 64, says: [says],
            "\(arguments.last?.prefix(30) ?? "")")
    }

    @Test(arguments: [
        (["run", "--batch", "0"], "--batch"), (["run", "--batch", "9223372036854775807"], "--batch"),
        (["run", "--lease", "inf"], "--lease"), (["run", "--lease", "1e300"], "--lease"),
        (["run", "--lease", "-1"], "--lease"),
        (["run", "--grace", "nan"], "--grace"), (["run", "--generator", control], "--generator"),
        (["run", "--name", control], "--name"), (["run", "--name", long], "--name"), (["run", "--name", ""], "--name"),
    ])
    func aWrongOptionOfTheWorkerIs64(arguments: [String], says: String) throws {
        Refusal.expect(
            try Refusal.nobody.run("worker", arguments), status: 64, says: [says], "\(arguments.joined().prefix(40))")
    }

    @Test(arguments: [
        ("an unknown key", #"{"b\u001b[2J":1}"#, "expected keys of rules, otherwise, found 'b?[2J'"),
        ("a long key", "{\"\(long)\":1}", "found 'nnn"), ("not JSON", "{", "byte 1"), ("not UTF-8", "\u{0}", "byte 0"),
        ("deep", String(repeating: "[", count: 5000), "at most 64 nested values"),
        (
            "a long name",
            "{\"rules\":[{\"when\":{\"categories\":[\"\(long)\"]},\"use\":\"hard\"}],\"otherwise\":\"easy\"}",
            "rule 1, when.categories"
        ),
    ])
    func wrongRulesAre65(name: String, text: String, says: String) throws {
        let scratch = try Scratch()
        let file = try scratch.write("rules.json", text)
        let annotations = scratch.path + "/annotations.json"
        let made = try Refusal.nobody.run("producer", ["example", "--images", "20", "--out", annotations])
        #expect(made.status == 0)
        let result = try Refusal.nobody.run(
            "producer", ["plan", "--annotations", annotations, "--strategy", "mixed", "--rules", file])
        Refusal.expect(result, status: 65, says: [says], name)
    }

    @Test func pathsOfAnyKindAreNamedShortly() throws {
        for path in ["/nowhere/" + Self.long, "/nowhere/" + Self.control, "relative/" + Self.control] {
            let annotations = try Refusal.nobody.run("producer", ["plan", "--annotations", path, "--strategy", "hard"])
            Refusal.expect(
                annotations, status: 66,
                says: ["nowhere", "check the path"].filter { path.hasPrefix("/") || $0 != "nowhere" }, "annotations")
            let profile = try Refusal.nobody.run("worker", ["run", "--profile", path])
            Refusal.expect(profile, status: 66, says: ["profile"], "profile")
            let example = try Refusal.nobody.run("producer", ["example", "--images", "1", "--out", path])
            Refusal.expect(example, status: 73, says: ["cannot write"], "example")
        }
    }

    @Test(arguments: [
        ("an unknown key", #"{"b\u001b[2J":1}"#, "unknown key"),
        ("a long key", "{\"\(long)\":1}", "unknown key 'nnn"), ("not JSON", "{", "expected a JSON object"),
        ("deep", String(repeating: "[", count: 5000), "expected a JSON object"),
        ("a wrong type", #"{"batch":"4"}"#, "key 'batch'"), ("an infinite number", #"{"lease":1e999}"#, "profile"),
        ("a huge number", #"{"batch":1e30}"#, "profile"),
        (
            "a long key of a program", "{\"programs\":[{\"path\":\"/p\",\"\(long)\":1}]}",
            "…'; expected arguments, path, startLimit, timeLimit"
        ),
        (
            "an unknown key of a program", #"{"programs":[{"path":"/p","b\u001b[2J":1}]}"#,
            "programs: unknown key 'b?[2J'; expected arguments"
        ),
    ])
    func aWrongProfileIs65(name: String, text: String, says: String) throws {
        let scratch = try Scratch()
        let file = try scratch.write("profile.json", text)
        Refusal.expect(
            try Refusal.nobody.run("worker", ["run", "--profile", file]), status: 65, says: [file, says], name)
    }
}
