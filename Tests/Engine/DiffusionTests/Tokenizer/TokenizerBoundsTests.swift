// Tokenizer files that are far too large are refused quickly and in little memory.

import Diffusion
import Fixtures
import Foundation
import Testing

@Suite(.serialized) struct TokenizerBoundsTests {
    /// The message with which the folder is refused, within 100 MB and so many seconds of this thread's processor time:
    /// what else the machine does is not held against it.
    private func refusal(
        _ folder: TokenizerFolder, seconds: Double = 4, at location: SourceLocation = #_sourceLocation
    ) throws -> String {
        var message = "accepted"
        var used = 0.0
        let peak = try PeakMemory.bytes {
            let before = Self.processorSeconds()
            do throws(CheckpointError) {
                _ = try CLIPTokenizer(folder: folder.path)
            } catch {
                message = error.description
            }
            used = Self.processorSeconds() - before
        }
        #expect(used < seconds, sourceLocation: location)
        #expect(peak < 100_000_000, sourceLocation: location)
        #expect(message.utf8.count < 1000 && !message.contains("\n"), sourceLocation: location)
        return message
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func lines(_ line: String, _ byteCount: Int) -> String {
        String(repeating: line, count: byteCount / line.utf8.count)
    }

    @Test(arguments: ["merges.txt", "vocab.json", "added_tokens.json", "tokenizer_config.json"])
    func filesOf50MegabytesAreRefusedBeforeTheyAreRead(name: String) throws {
        let folder = try TokenizerFolder()
        try folder.write(lines("i n\n", 50_000_000), to: name)
        let message = try refusal(folder, seconds: 1)
        #expect(message.contains("/\(name): expected ") && message.contains("bytes, found 50000000"), "\(message)")
    }

    @Test(arguments: [
        ("i n\n", "expected at most 1628 merges for 814 pieces, found 1048576"),
        ("#version\n", "expected pieces and merges, found 814 and 0"),
        ("zebra", "line 1: expected two pieces, found 'zebrazebra"),
        ("i n ", "line 1: expected two pieces, found 'i n i n"),
    ])
    func mergesOfAllowedSizeAreReadInLittleMemory(line: String, expected: String) throws {
        let folder = try TokenizerFolder()
        try folder.write(lines(line, 4 << 20), to: "merges.txt")
        let message = try refusal(folder)
        #expect(message.contains(expected), "\(message)")
    }

    @Test func mergesThatAreNoTextAreRefused() throws {
        let folder = try TokenizerFolder()
        try Data([0xFF, 0x20, 0xFE, 0x0A]).write(to: URL(fileURLWithPath: folder.path + "/merges.txt"))
        #expect(try refusal(folder).contains("merges.txt, line 1: expected pieces of the vocabulary"))
    }

    @Test func mergesWithoutEndInOneFileAreRefused() throws {
        let folder = try TokenizerFolder("serialized")
        let merges = #"{"model":{"merges":["# + lines(#""i n","#, 8 << 20) + #""i n"]"#
        try folder.write(merges, to: "tokenizer.json")
        let message = try refusal(folder)
        #expect(message.contains("tokenizer.json, merge 1048577: expected at most 1048576 merges"), "\(message)")
    }

    @Test func aHundredThousandSpecialTokensAreJudgedAtOnce() throws {
        let folder = try TokenizerFolder()
        try folder.remove("special_tokens_map.json")
        let tokens = (0..<100_000).map { "\"<t\($0)>\"" }.joined(separator: ",")
        try folder.write("{\"extra_special_tokens\":[\(tokens)]}", to: "tokenizer_config.json")
        let message = try refusal(folder)
        #expect(message.contains("expected special tokens of the vocabulary or with an id, found '<t0>'"), "\(message)")
    }
}
