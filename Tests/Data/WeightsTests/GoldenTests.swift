// Files that torch and safetensors wrote, against what torch reads from them.

import Testing

@testable import Weights

@Suite struct GoldenTests {
    private static let files = [
        "formats.safetensors", "formats.bin", "views2.bin", "views3.bin", "views4.bin", "views5.bin", "tied.bin",
        "module.bin", "parameters.bin", "nested.bin", "wrapped.bin", "written.safetensors",
    ]

    @Test(arguments: files)
    func everyTensorReadsAsTorchReadsIt(name: String) throws {
        let expected = try #require(try Golden.read().files[name])
        let file = try WeightFile(path: Golden.path(name))
        #expect(file.entries.keys.sorted() == expected.keys.sorted())
        for (name, tensor) in expected {
            let entry = try #require(file.entries[name])
            #expect(entry.shape == tensor.shape)
            #expect(entry.format.rawValue == tensor.format)
            #expect(bits(file.floats(of: entry)) == tensor.bits, "\(name)")
            let count = file.withBytes(of: entry) { $0.count }
            #expect(count == entry.byteCount)
            guard let mapped = file.mappedFloats(of: entry) else {
                #expect(entry.format != .float32 || !entry.isDense)
                continue
            }
            #expect(bits(UnsafeBufferPointer(start: mapped, count: entry.count)) == tensor.bits)
        }
    }

    @Test func viewsKnowWhetherTheyAreDense() throws {
        let file = try WeightFile(path: Golden.path("views2.bin"))
        let dense = file.entries.values.filter(\.isDense).map(\.name).sorted()
        #expect(dense == ["dense", "empty", "one", "position_ids", "rows"])
        let transposed = try #require(file.entries["transposed"])
        #expect(file.mappedFloats(of: transposed) == nil)
    }

    @Test func tiedTensorsShareTheirBytes() throws {
        let file = try WeightFile(path: Golden.path("tied.bin"))
        let (embedding, head) = (try #require(file.entries["embedding"]), try #require(file.entries["head"]))
        #expect(file.mappedFloats(of: embedding) == file.mappedFloats(of: head))
    }

    @Test func metadataIsRead() throws {
        #expect(try WeightFile(path: Golden.path("formats.safetensors")).metadata == ["format": "pt"])
    }

    @Test(arguments: [NumberFormat.float16, .bfloat16])
    func everyPatternCastsAsInTorch(format: NumberFormat) throws {
        let expected = try #require(try Golden.read().casts[format.rawValue])
        let patterns = (0...UInt16.max).map { $0.littleEndian }
        var floats = [Float](repeating: 0, count: patterns.count)
        patterns.withUnsafeBytes { source in
            floats.withUnsafeMutableBufferPointer { target in
                FloatConversion.convert(
                    source.baseAddress!, format, into: target.baseAddress!, count: patterns.count)
            }
        }
        let hash = floats.withUnsafeBytes { bytes in
            bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        }
        let digits = String(hash, radix: 16)
        #expect(String(repeating: "0", count: 16 - digits.count) + digits == expected)
    }
}
