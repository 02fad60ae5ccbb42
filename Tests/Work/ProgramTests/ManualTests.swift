// docs/plugins.md is held to its word: the program that it shows runs as it stands there.

import Fixtures
import Foundation
import Pixels
import Testing

@testable import Handlers

/// docs/plugins.md.
enum Manual {
    static func text() throws -> String {
        try String(contentsOfFile: Surroundings.root + "/docs/plugins.md", encoding: .utf8)
    }

    /// The lines of the protocol that it shows.
    static func sessionLines() throws -> [Substring] {
        try text().split(separator: "\n").filter { $0.hasPrefix("{\"type\":") }
    }

    /// What stands between the fences of its only block in this language.
    static func block(in language: String) throws -> String {
        let parts = try text().components(separatedBy: "```\(language)\n")
        guard parts.count == 2, let block = parts[1].components(separatedBy: "\n```").first else {
            throw ProcessFailure("docs/plugins.md: expected one block of \(language), found \(parts.count - 1)")
        }
        return block
    }
}

@Suite(.serialized) struct ManualTests {
    @Test func theProgramInTheManualIsWhole() async throws {
        let program = try ScriptedProgram(try Manual.block(in: "python"), prelude: "")
        try await program.started { generator in
            #expect(generator.describe().name == "plain" && generator.describe().maximumBatch == 8)
            let specification = Made.specification()
            let together = try await generator.generate(Made.tasks(3), specification: specification)
            let images = try together.map { try $0.get() }
            #expect(images.allSatisfy { $0.width == 64 && $0.height == 48 } && Set(images.map(\.pixels)).count == 3)
            let alone = try await generator.generate([Made.task(1)], specification: specification)
            #expect(try alone[0].get() == images[1])
        }
    }

    @Test func theLimitsInTheManualAreThoseOfTheCode() throws {
        let text = try Manual.text()
        #expect(
            text.contains("8 bytes for each pixel and 1 MiB")
                && ProgramImage.byteLimit(width: 1, height: 1) == 8 + 1 << 20)
    }
}
