// What the flags of added tokens and the settings of files do, told by examples; the golden texts hold many more.

import Diffusion
import Foundation
import Testing

@Suite struct AddedTokenTests {
    private func pieces(_ text: String, _ tokenizer: CLIPTokenizer) -> [String] {
        tokenizer.pieces(of: Array(tokenizer.encode(text).dropFirst().dropLast()))
    }

    @Test func `location and attribute tokens are matched whole, glued or in capitals`() throws {
        let tokenizer = try TokenizerGolden.small.tokenizer("classic")
        #expect(pieces("(<l1><L23>,[Easy])", tokenizer) == ["(</w>", "<l1>", "<l23>", ",</w>", "[easy]", ")</w>"])
        #expect(pieces("<l200>", tokenizer).count > 1, "there are 200 of them")
    }

    @Test func `begin and end stand around every text`() throws {
        let tokenizer = try TokenizerGolden.small.tokenizer("classic")
        #expect(tokenizer.pieces(of: tokenizer.encode("")) == ["<|startoftext|>", "<|endoftext|>"])
        #expect(tokenizer.encode("") == [812, 813])
    }

    @Test func `tokens and pieces have ids`() throws {
        let tokenizer = try TokenizerGolden.small.tokenizer("classic")
        #expect(tokenizer.vocabularySize == 814 + 203)
        #expect(tokenizer.identifier(of: "<l0>") == 814)
        #expect(tokenizer.identifier(of: "[background]") == 1016)
        #expect(tokenizer.identifier(of: "!") == 0)
        #expect(tokenizer.identifier(of: "\u{212A}") == nil, "the Kelvin sign is not the letter K")
        #expect(tokenizer.contains(token: "<l199>") && !tokenizer.contains(token: "<l200>"))
    }

    @Test func `every form of files has the same tokens`() throws {
        let tokenizers = try ["classic", "serialized", "decoder"].map(TokenizerGolden.small.tokenizer)
        for tokenizer in tokenizers {
            #expect(tokenizer.maximumLength == 77)
            #expect(tokenizer.identifier(of: "<l199>") == 1013)
        }
    }

    @Test func `a tokenizer file alone is enough`() throws {
        let bytes = try Data(
            contentsOf: URL(fileURLWithPath: TokenizerGolden.small.folder + "/serialized/tokenizer.json"))
        let alone = try CLIPTokenizer(serialized: [UInt8](bytes))
        let whole = try TokenizerGolden.small.tokenizer("classic")
        #expect(alone.encode("A dog <l3> [hard]") == whole.encode("A dog <l3> [hard]"))
        #expect(alone.maximumLength == 77)
    }

    @Test func `short texts are padded with the pad token of the files`() throws {
        let classic = try TokenizerGolden.small.tokenizer("classic")
        let ids = classic.encode("a dog")
        #expect(try classic.padded(ids) == ids + Array(repeating: 813, count: 77 - ids.count))
        let decoder = try TokenizerGolden.small.tokenizer("decoder")
        #expect(try decoder.padded(ids).last == 0, "Stable Diffusion 2 pads with '!'")
        let left = try TokenizerFolder()
        try left.write(#"{"model_max_length": 5, "padding_side": "left"}"#, to: "tokenizer_config.json")
        #expect(try CLIPTokenizer(folder: left.path).padded([812, 813]) == [813, 813, 813, 812, 813])
    }

    @Test func `what is too long is refused, not cut`() throws {
        let tokenizer = try TokenizerGolden.small.tokenizer("classic")
        let ids = tokenizer.encode(String(repeating: "<l1>", count: 76))
        #expect(ids.count == 78)
        let error = #expect(throws: CheckpointError.self) { try tokenizer.padded(ids) }
        #expect(
            error?.description.hasPrefix("a prompt of 78 tokens: expected at most 77, begin and end included") == true)
        #expect(try tokenizer.padded(ids.dropLast()).count == 77)
    }

    @Test func `unset lengths mean CLIP's own`() throws {
        let folder = try TokenizerFolder()
        try folder.write(#"{"model_max_length": 1000000000000000019884624838656}"#, to: "tokenizer_config.json")
        #expect(try CLIPTokenizer(folder: folder.path).maximumLength == 77)
    }

    @Test func `escapes and white space in files do not matter`() throws {
        let folder = try TokenizerFolder()
        try folder.replace(#""<l7>":821"#, by: " \n\t\"\\u003cl7\\u003E\" : 821 ", in: "added_tokens.json")
        try folder.replace("#version: 0.2\n", by: "#version: 0.2\r\n", in: "merges.txt")
        let tokenizer = try CLIPTokenizer(folder: folder.path)
        #expect(tokenizer.identifier(of: "<l7>") == 821)
    }

    @Test func `copies share their words over threads`() async throws {
        let tokenizer = try TokenizerGolden.small.tokenizer("classic")
        let texts = try TokenizerGolden.small.texts().prefix(400)
        let alone = texts.map(tokenizer.encode)
        await withTaskGroup(of: [[Int]].self) { group in
            for _ in 0..<4 { group.addTask { texts.map(tokenizer.encode) } }
            for await ids in group { #expect(ids == alone) }
        }
    }
}
