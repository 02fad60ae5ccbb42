// What Safetensors.write writes.

import Foundation
import Testing

@testable import Weights

@Suite struct SafetensorsWritingTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    @Test func theBytesAreThoseOfThePythonPackage() throws {
        let path = "\(scratch.path)/written.safetensors"
        try Safetensors.write(
            [("c", [2, 0], []), ("a", [], [7]), ("b\"q\\é", [2, 2], [1, -2.5, 0, Float(bitPattern: 2141)])],
            metadata: ["made": "by\na \"test\"\t\u{1}"], to: path)
        let expected = try Data(contentsOf: URL(fileURLWithPath: Golden.path("written.safetensors")))
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == expected)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["written.safetensors"])
    }

    @Test func whatIsWrittenReadsBackInPlace() throws {
        let path = "\(scratch.path)/x.safetensors"
        try Safetensors.write([], to: path)
        let values = (0..<1000).map { Float($0) / 7 } + [.infinity, -0.0, .leastNonzeroMagnitude]
        try Safetensors.write([("z", [17, 59], values), ("y", [1], [1])], metadata: ["b": "1", "a": "2"], to: path)
        let file = try WeightFile(path: path)
        #expect(file.metadata == ["a": "2", "b": "1"])
        let entry = try #require(file.entries["z"])
        #expect(file.mappedFloats(of: entry) != nil)
        #expect(bits(file.floats(of: entry)) == bits(values))
    }

    @Test func aFolderThatIsNotThereIsNamed() throws {
        let path = "\(scratch.path)/none/x.safetensors"
        let error = #expect(throws: WeightError.self) { try Safetensors.write([], to: path) }
        #expect(error?.code == .file)
        #expect(error?.description.contains("cannot create \(scratch.path)/none/x.safetensors") == true)
    }

    @Test func aFailureLeavesNothingBehind() throws {
        let path = "\(scratch.path)/taken"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(throws: WeightError.self) { try Safetensors.write([("a", [1], [1])], to: path) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["taken"])
    }
}
