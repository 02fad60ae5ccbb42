// Hostile tar files, through `verify FILE`: every finding is a line on standard output, and the exit code is 1.

import Fixtures
import Foundation
import Testing

struct ArchiveTests {
    /// A ustar header as a stranger may write it.
    static func header(
        _ name: String, size: String, type: UInt8 = UInt8(ascii: "0"), magic: String = "ustar\0" + "00",
        checksum: Int? = nil
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ bytes: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in bytes.enumerated() { block[offset + index] = byte }
        }
        put(name.utf8.prefix(100), at: 0)
        put("0000644\0".utf8, at: 100)
        put(size.utf8.prefix(12), at: 124)
        block[156] = type
        put(magic.utf8, at: 257)
        put("        ".utf8, at: 148)
        let sum = checksum ?? block.reduce(0) { $0 + Int($1) }
        let octal = String(sum, radix: 8)
        put((String(repeating: "0", count: 6 - octal.count) + octal + "\0 ").utf8, at: 148)
        return block
    }

    static func member(_ name: String, _ contents: [UInt8], type: UInt8 = UInt8(ascii: "0")) -> [UInt8] {
        let octal = String(contents.count, radix: 8)
        let size = String(repeating: "0", count: 11 - octal.count) + octal + "\0"
        let padding = [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
        return header(name, size: size, type: type) + contents + padding
    }

    /// The smallest bytes that pass for a whole PNG, and a record.
    private static let png: [UInt8] = [
        0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 0, 0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82,
    ]

    /// A whole sample, but for its name.
    private static func sample(_ key: String) -> [UInt8] {
        member(key + ".png", png) + member(key + ".json", Array("{}".utf8)) + end
    }

    private static let end = [UInt8](repeating: 0, count: 1024)
    private static let large = "77777777777\0"

    private static let cases: [(String, [UInt8], String)] = [
        ("empty", [], "cut off"), ("text", Array(String(repeating: "no tar ", count: 200).utf8), "ustar"),
        ("only the end", end, "at least one sample"), ("one zero block", [UInt8](repeating: 0, count: 512), "cut off"),
        ("cut in a header", Array(member("a.png", [1]).prefix(300)), "cut off"),
        ("cut in a member", header("a.png", size: "00000001000\0"), "cut off"),
        ("without an end", member("a.png", [1]), "cut off"),
        ("a member of 8 GiB", header("a.png", size: large) + end, "expected 8589934591 bytes"),
        ("a negative size", header("a.png", size: "-0000000001\0") + end, "octal"),
        ("a size that is no number", header("a.png", size: "zzzz") + end, "octal"),
        ("a base-256 size", header("a.png", size: "\u{80}\u{7F}") + end, "octal"),
        ("a wrong checksum", header("a.png", size: large, checksum: 1) + end, "checksum"),
        ("another magic", header("a.png", size: large, magic: "gnutar00") + end, "ustar"),
        ("a link", member("a.png", [], type: UInt8(ascii: "2")) + end, "plain file"),
        ("a device of a strange type", member("a.png", [], type: 0x1B) + end, "plain file"),
        ("a path out of the folder", member("../../etc/passwd", [1]) + end, "etc/passwd"),
        ("a sample out of the folder", sample("../../000000000001-0"), "expected a name such as 000000000139-0.png"),
        ("a sample at the root", sample("/tmp/000000000001-0"), "expected a name such as"),
        ("a sample with control characters", sample("a\u{1B}[2J\n"), "member a?[2J .png: expected a name such as"),
        ("a sample with a bell in its key", sample("000000000001-0\u{7}"), "member 000000000001-0?.png"),
        ("a picture that is none", member("a.png", [1, 2]) + member("a.json", Array("{}".utf8)) + end, "whole PNG"),
        ("a record that is none", member("a.png", [1]) + member("a.json", Array("[]".utf8)) + end, "JSON object"),
        (
            "a record 100,000 levels deep",
            member("a.json", [UInt8](repeating: UInt8(ascii: "["), count: 100_000)) + end, "JSON object"
        ),
        ("a picture without a record", member("a.png", [1]) + end, "member a.json"),
    ]

    @Test(arguments: cases)
    func aWrongArchiveIsFound(name: String, bytes: [UInt8], says: String) throws {
        let scratch = try Scratch()
        let file = try scratch.write("shard.tar", bytes)
        let result = try Refusal.nobody.run("catalogue", ["verify", file])
        #expect(result.status == 1, "\(name): \(result.status) \(result.errors)")
        #expect(result.errors.isEmpty, "\(name): \(result.errors)")
        #expect(result.output.contains(says), "\(name): \(result.output)")
        for line in result.output.split(separator: "\n") {
            #expect(line.hasPrefix(file) && line.contains("expected") && line.count <= 1200, "\(name): \(line)")
            #expect(
                line.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F },
                "\(name): \(line.debugDescription)")
        }
    }

    /// The file takes a few blocks of the disc and says that it has 8 GiB.
    @Test func aSparseMemberOf8GiBIsFoundWithoutBeingRead() throws {
        let scratch = try Scratch()
        let file = try scratch.write("shard.tar", Self.header("a.png", size: Self.large))
        #expect(truncate(file, 512 + (8 << 30) + 1024) == 0)
        // A process that may not have 4 GiB ends where it asks for 8.
        let result = try RunningProcess(
            "/bin/sh",
            ["-c", "ulimit -v 4194304; exec '\(Surroundings.executables)/detdiffusion-catalogue' verify \(file)"]
        ).wait()
        #expect(result.status == 1, "\(result.status) \(result.errors.suffix(500))")
        #expect(
            result.output.contains("a member of at most 134217728 bytes, found one of 8589934591"), "\(result.output)")
    }

    @Test func anArchiveThatIsMissingIsFound() throws {
        let result = try Refusal.nobody.run("catalogue", ["verify", "/nowhere/shard.tar"])
        #expect(result.status == 1 && result.output.contains("No such file"), "\(result.output)")
    }
}
