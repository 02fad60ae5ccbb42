// What is wrong with tokenizer files is said in one line.

import Diffusion
import Foundation
import Testing

@Suite struct TokenizerRefusalTests {
    /// The message of the error that reading the folder throws.
    private func refusal(_ folder: TokenizerFolder) -> String {
        do {
            _ = try CLIPTokenizer(folder: folder.path)
            return "accepted"
        } catch {
            return error.description
        }
    }

    private func expect(
        _ folder: TokenizerFolder, says parts: String..., at location: SourceLocation = #_sourceLocation
    ) {
        let message = refusal(folder)
        #expect(!message.contains("\n"), sourceLocation: location)
        for part in parts {
            #expect(message.contains(part), "expected '\(part)' in: \(message)", sourceLocation: location)
        }
    }

    @Test func `a folder without tokenizer files is refused`() throws {
        let folder = try TokenizerFolder()
        for name in ["vocab.json", "merges.txt"] { try folder.remove(name) }
        expect(
            folder, says: "cannot read the tokenizer folder", "expected vocab.json and merges.txt, or tokenizer.json")
    }

    @Test func `a vocabulary without merges is refused`() throws {
        let folder = try TokenizerFolder()
        try folder.remove("merges.txt")
        expect(folder, says: "/merges.txt: expected the merges that belong to", "copy it from the same tokenizer")
        try folder.write("#version: 0.2\n", to: "merges.txt")
        expect(folder, says: "expected pieces and merges, found 814 and 0")
    }

    @Test func `merges of other pieces are refused with their line`() throws {
        let folder = try TokenizerFolder()
        try folder.write("#version: 0.2\nz q\n", to: "merges.txt")
        expect(folder, says: "merges.txt, line 2: expected pieces of the vocabulary, found 'zq' in 'z q'")
        try folder.write("#version: 0.2\nzebra\n", to: "merges.txt")
        expect(folder, says: "line 2: expected two pieces, found 'zebra'")
        try folder.write("#version: 0.2\ni n extra\n", to: "merges.txt")
        expect(folder, says: "line 2: expected two pieces, found 'i n extra'")
    }

    @Test(arguments: ["vocab.json", "added_tokens.json", "tokenizer_config.json", "special_tokens_map.json"])
    func `truncated files are refused with the byte`(name: String) throws {
        let folder = try TokenizerFolder()
        let text = try folder.text(name)
        try folder.write(String(text.prefix(text.count / 2)), to: name)
        expect(folder, says: "\(name), byte ", "found its end", "save the tokenizer again")
    }

    @Test(arguments: ["Unigram", "WordPiece", "WordLevel"])
    func `models of another type are refused by name`(type: String) throws {
        let folder = try TokenizerFolder("serialized")
        try folder.replace(#""model":{"type":"BPE""#, by: #""model":{"type":"\#(type)""#, in: "tokenizer.json")
        expect(folder, says: "expected CLIP's type 'BPE' with the suffix '</w>', found '\(type)'")
    }

    @Test func `byte pair encoding without CLIP's suffix is refused`() throws {
        let folder = try TokenizerFolder("serialized")
        try folder.replace(#""end_of_word_suffix":"</w>""#, by: #""end_of_word_suffix":null"#, in: "tokenizer.json")
        expect(folder, says: "found the suffix ''")
    }

    @Test func `a tokenizer of another class is refused`() throws {
        let folder = try TokenizerFolder()
        try folder.replace("CLIPTokenizer", by: "T5Tokenizer", in: "tokenizer_config.json")
        expect(folder, says: "tokenizer_class: expected 'CLIPTokenizer', found 'T5Tokenizer'")
    }

    @Test(arguments: [
        (#""!":0"#, #""!":1"#, "expected an id for each piece, found 1 for"),
        (#""!":0"#, #""!":-1"#, "expected an id from 0 to 1048575, not -1, before"),
        (#""!":0"#, #""!":814"#, "expected ids from 0 to 813 for 814 pieces, found 814 for '!'"),
        (#""!":0"#, #""!":99999999999"#, "not 99999999999, before"),
        (#""!":0"#, #""!":"0""#, "expected an integer, found '\"0\""),
        (#""!":0"#, #""!":0,"!":0"#, "expected each piece once, not '!' again"),
        (#""!":0"#, #""\ud800":0"#, "expected '\\u' and four digits"),
    ])
    func `a damaged vocabulary is refused`(old: String, new: String, message: String) throws {
        let folder = try TokenizerFolder()
        try folder.replace(old, by: new, in: "vocab.json")
        expect(folder, says: "vocab.json", message)
    }

    @Test(arguments: [
        (#""<l7>":821"#, #""<l7>":822"#, "expected an id for each added token, found 822 for '<l7>' and '<l8>'"),
        (#""<l7>":821"#, #""<l7>":5"#, "added token '<l7>': expected the id 814"),
        (#""<l7>":821"#, #""<l7>":9821"#, "added token '<l8>': expected the id 821"),
        (#""<l7>":821"#, #""<l7>":-3"#, "expected an id from 0 to 1048575, not -3, before"),
        (#""<l7>":821"#, #""<L8>":821"#, "expected added tokens that differ in lower case"),
        (#""<l7>":821"#, #""<l8>":821"#, "expected each added token once, found twice '<l8>'"),
        (
            #""<l7>":821"#, #""a</w>":821"#,
            "added token 'a</w>': expected the id 320, its id in the vocabulary, found 821"
        ),
    ])
    func `added tokens out of place are refused`(old: String, new: String, message: String) throws {
        let folder = try TokenizerFolder()
        try folder.replace(old, by: new, in: "added_tokens.json")
        expect(folder, says: message)
    }

    @Test func `a begin or end that no file knows is refused`() throws {
        let folder = try TokenizerFolder()
        try folder.remove("special_tokens_map.json")
        try folder.replace(#""content":"<|startoftext|>""#, by: #""content":"<s>""#, in: "tokenizer_config.json")
        expect(folder, says: "expected special tokens of the vocabulary or with an id, found '<s>'")
        try folder.write(#"{"eos_token": null}"#, to: "tokenizer_config.json")
        expect(folder, says: "eos_token: expected a token, found null")
        try folder.remove("tokenizer_config.json")
        try folder.replace("<|endoftext|>", by: "<|end|>", in: "vocab.json")
        expect(folder, says: "expected special tokens of the vocabulary or with an id, found '<|endoftext|>'")
    }

    @Test func `a vocabulary that cannot spell every byte is refused`() throws {
        let folder = try TokenizerFolder()
        try folder.replace(#""<|endoftext|>":"#, by: #""<|end|>":"#, in: "vocab.json")
        try folder.replace(#""\"":1,"#, by: #""<other>":1,"#, in: "vocab.json")
        expect(folder, says: #"expected a piece for every byte or an unknown token, found no '"'"#)
    }

    @Test(arguments: ["0", "2", "77.5", "100000", "-77", "1e19"])
    func `lengths that no text encoder has are refused`(length: String) throws {
        let folder = try TokenizerFolder()
        try folder.write(#"{"model_max_length": \#(length)}"#, to: "tokenizer_config.json")
        expect(folder, says: "model_max_length: expected an integer from 3 to 65536")
    }

    @Test func `deeply nested settings are refused`() throws {
        let folder = try TokenizerFolder()
        try folder.write(#"{"a": "# + String(repeating: "[", count: 100_000), to: "tokenizer_config.json")
        expect(folder, says: "expected at most 64 nested values")
    }
}
