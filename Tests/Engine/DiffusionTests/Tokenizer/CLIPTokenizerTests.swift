// The tokenizer beside transformers' own.

import Diffusion
import Foundation
import Testing

@Suite struct CLIPTokenizerTests {
    static let realFolder = ProcessInfo.processInfo.environment["DETDIFFUSION_TOKENIZER"]

    @Test(arguments: TokenizerGolden.forms)
    func `the ids of every golden text are those of transformers`(form: String) throws {
        let (compared, differing) = try TokenizerGolden.small.differences(form)
        #expect(compared >= 300)
        #expect(differing.isEmpty, "\(differing.count) of \(compared): \(differing.prefix(5))")
    }

    @Test(
        .enabled(
            if: realFolder != nil,
            "DETDIFFUSION_TOKENIZER names no folder that Golden/write_tokenizer.py --real wrote"),
        arguments: TokenizerGolden.forms)
    func `the ids of CLIP's own vocabulary are those of transformers`(form: String) throws {
        let golden = TokenizerGolden(folder: try #require(Self.realFolder))
        let start = ContinuousClock.now
        let tokenizer = try golden.tokenizer(form)
        let loading = ContinuousClock.now - start
        let texts = try golden.texts()
        let begin = ContinuousClock.now
        let count = texts.reduce(0) { $0 + tokenizer.encode($1).count }
        let encoding = ContinuousClock.now - begin
        let (compared, differing) = try golden.differences(form)
        print(
            "\(form): loaded in \(loading), \(texts.count) texts (\(count) ids) encoded in \(encoding),",
            terminator: " ")
        print("\(compared - differing.count) of \(compared) as transformers")
        #expect(differing.isEmpty, "\(differing.count) of \(compared): \(differing.prefix(5))")
    }
}
