// Safetensors headers that must be refused, and what is written.

import Foundation
import Testing

@testable import Weights

@Suite struct SafetensorsTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    /// A header of one tensor "a" and of "b" that follows it.
    private static func header(_ tensors: String...) -> String { "{\(tensors.joined(separator: ","))}" }

    private static func tensor(
        _ name: String, dtype: String = "F32", shape: String = "[2]", _ offsets: String
    ) -> String { "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}" }

    private static let overflowing = "[4611686018427387904,4]"

    static let refused: [(header: String, numbers: Int, says: String)] = [
        ("{", 0, "expected a name in double quotes, found its end"),
        ("[]", 0, "expected a JSON object, found '[]'"),
        ("", 0, "expected a JSON object, found its end"),
        ("{} x", 0, "expected nothing after the JSON value"),
        ("{\"a\":1}", 0, "byte 5: expected a JSON object, found '1}'"),
        (header("\"a\":{\"dtype\":\"F32\"}"), 0, "found not all of them"),
        (header("\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}"), 0, "once each, found 'dtype'"),
        (header("\"a\":{\"offset\":1}"), 0, "found 'offset'"),
        (header(tensor("a", dtype: "F8_E4M3", "[0,2]")), 2, "expected a dtype of F32, F16"),
        (header(tensor("a", "[0,4]")), 4, "expected 8 bytes for shape [2] of float32, found 4"),
        (header(tensor("a", "[0,16]")), 8, "expected offsets within the file's 8 bytes of numbers, found 0 to 16"),
        (header(tensor("a", "[8,0]")), 8, "found 8 to 0"),
        (header(tensor("a", "[0]")), 8, "found not all of them"),
        (header(tensor("a", "[0,1,2]")), 8, "at most 2 integers"),
        (header(tensor("a", shape: "[-1]", "[0,8]")), 8, "expected an integer from 0 up"),
        (header(tensor("a", shape: "[2.0]", "[0,8]")), 8, "expected an integer from 0 up"),
        (header(tensor("a", shape: "[02]", "[0,8]")), 8, "expected an integer from 0 up"),
        (header(tensor("a", shape: "[99999999999999999999]", "[0,8]")), 8, "expected an integer below 2^63"),
        (header(tensor("a", shape: overflowing, "[0,8]")), 8, "expected a shape whose bytes can be counted"),
        (
            header(tensor("a", shape: "[" + String(repeating: "1,", count: 63) + "3]", "[0,8]")), 8,
            "1, 1, …] of float32"
        ),
        (
            header(tensor("a", shape: "[" + String(repeating: "1,", count: 64) + "2]", "[0,8]")), 8,
            "at most 64 integers"
        ),
        (header(tensor("a", "[0,8]"), tensor("b", "[4,12]")), 12, "found 4, which overlaps"),
        (header(tensor("a", "[0,8]"), tensor("b", "[12,20]")), 20, "found 12, which leaves a hole"),
        (header(tensor("a", "[4,12]")), 12, "found 4, which leaves a hole"),
        (header(tensor("a", "[0,8]")), 9, "expected 70 bytes, as the header says, found 71"),
        (header(tensor("a", "[0,8]"), tensor("a", "[8,16]")), 16, "expected each name once"),
        (header(tensor("a\\n", "[0,8]")), 8, "expected a name without control characters"),
        (header(tensor("", "[0,8]")), 8, "expected a name without control characters"),
        (header(tensor("a\u{7}", "[0,8]")), 8, "expected text without control characters"),
        (header(tensor("\\ud800", "[0,8]")), 8, "expected '\\u' and four digits"),
        (header("\"__metadata__\":{\"a\":1}"), 0, "expected text in double quotes"),
    ]

    @Test(arguments: refused.indices)
    func aDamagedHeaderIsRefusedInOneLine(index: Int) throws {
        let (header, numbers, says) = Self.refused[index]
        let text = refusal(of: try scratch.safetensors(header, numbers: numbers))
        #expect(text.contains(says), "\(text)")
    }

    @Test func lengthsBeyondTheFileAreRefused() throws {
        #expect(refusal(of: try scratch.write("a", [1, 2])).contains("at least 8 bytes, found 2"))
        #expect(refusal(of: try scratch.write("a", [])).contains("found 0 bytes"))
        #expect(refusal(of: try scratch.safetensors("{}", length: 3)).contains("expected 3 bytes, found only 2"))
        #expect(refusal(of: try scratch.safetensors("{}", length: 100_000_001)).contains("at most 100000000"))
        #expect(refusal(of: try scratch.safetensors("{}", length: -1)).contains("found 18446744073709551615"))
        #expect(refusal(of: scratch.path).contains("found a folder"))
        #expect(refusal(of: "\(scratch.path)/none").contains("No such file"))
    }

    @Test func everyTruncationIsRefused() throws {
        let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Golden.path("formats.safetensors"))))
        for count in stride(from: 0, to: whole.count, by: 7) {
            let path = try scratch.write("cut", Array(whole[..<count]))
            #expect(throws: WeightError.self) { try WeightFile(path: path) }
        }
    }

    @Test func otherFilesAreNamed() throws {
        let pointer = Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8)
        #expect(refusal(of: try scratch.write("lfs", pointer)).contains("git lfs pull"))
        let old: [UInt8] = [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
        #expect(refusal(of: try scratch.write("old", old)).contains("torch.save(torch.load(path"))
    }

    @Test func aHeaderWithoutTensorsIsRead() throws {
        #expect(try WeightFile(path: scratch.safetensors("{}      ")).entries.isEmpty)
    }

    @Test func unalignedNumbersAreConvertedButNotLent() throws {
        let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}   "
        let bytes = StoredZipBuilder.little(header.utf8.count, 8) + Array(header.utf8) + [0, 0, 0x20, 0x40]
        let file = try WeightFile(path: scratch.write("odd", bytes))
        let entry = try #require(file.entries["a"])
        #expect((8 + header.utf8.count).isMultiple(of: 4) == false)
        #expect(file.mappedFloats(of: entry) == nil)
        #expect(file.floats(of: entry) == [2.5])
    }

    @Test func escapesAreUnderstood() throws {
        let header = "{\"\\u00e9\\ud83d\\ude00\\/\\\"\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"
        #expect(try WeightFile(path: scratch.safetensors(header)).entries.keys.first == "é😀/\"")
    }
}
