// The tokenizers of the golden checkpoints, text by text, as their own libraries encoded.

import Foundation
import Testing

@testable import Diffusion

struct CheckpointTokenTests {
    /// What Golden/write_golden.py encoded; the ids stand beside the tensors as `tokens.0`, `tokens.1` ...
    private struct Texts: Decodable {
        var texts: [String]
        var prompt: String
    }

    private static func texts() throws -> Texts {
        try JSONDecoder().decode(Texts.self, from: Data(contentsOf: Golden.folder.appending(path: "texts.json")))
    }

    @Test(arguments: GoldenModel.allCases)
    func textsGiveTheRecordedTokens(model: GoldenModel) throws {
        let tokenizer = try CLIPTokenizer(folder: model.folder + "/tokenizer")
        let texts = try Self.texts().texts
        #expect(texts.count == 8)
        for (index, text) in texts.enumerated() {
            let expected = try model.integers("tokens.\(index)").flatMap(\.self)
            #expect(tokenizer.encode(text) == expected, "\(text.debugDescription)")
        }
    }

    /// The pipeline's own way: the prompt and the empty prompt, padded.
    @Test(arguments: GoldenModel.allCases)
    func paddedPromptsAreThoseThatTheTextEncoderWasGiven(model: GoldenModel) throws {
        let tokenizer = try CLIPTokenizer(folder: model.folder + "/tokenizer")
        let padded = try [Self.texts().prompt, ""].map { try tokenizer.padded(tokenizer.encode($0)) }
        #expect(try padded == model.integers("text.ids"))
    }
}
