// Folders with single files and with shards.

import Foundation
import Testing

@testable import Weights

@Suite struct WeightSetTests {
    private let scratch: ScratchFolder

    init() throws { scratch = try ScratchFolder() }

    private func write(_ name: String, _ tensors: [String]) throws {
        try Safetensors.write(tensors.map { ($0, [1], [1]) }, to: "\(scratch.path)/\(name)")
    }

    private func index(_ map: String, name: String = "model.safetensors.index.json") throws {
        _ = try scratch.write(name, Array("{\"metadata\":{\"total_size\":1e3},\"weight_map\":{\(map)}}".utf8))
    }

    private func refusal(_ names: String...) -> String {
        do throws(WeightError) {
            let set = try WeightSet(folder: scratch.path, names: names)
            Issue.record("was read: \(set.names)")
            return ""
        } catch {
            #expect(error.description.contains(scratch.path))
            return error.description
        }
    }

    @Test(arguments: ["diffusion_pytorch_model", "pytorch_model"])
    func shardsReadAsOne(name: String) throws {
        let expected = try #require(try Golden.read().files["shards/\(name)"])
        let set = try WeightSet(folder: Golden.path("shards"), names: [name])
        #expect(set.files.count == 2)
        #expect(set.names == expected.keys.sorted())
        for name in set.names {
            let (file, entry) = try #require(set.find(name))
            #expect(bits(file.floats(of: entry)) == expected[name]?.bits)
        }
        #expect(set.find("none") == nil)
    }

    @Test func safetensorsArePreferredAndNamesTriedInTurn() throws {
        let names = ["model", "pytorch_model"]
        let pickle = StoredZipBuilder(pickle: PickleBuilder.tensor(), storages: [[UInt8](repeating: 0, count: 24)])
        _ = try scratch.write("pytorch_model.bin", pickle.bytes())
        #expect(try WeightSet(folder: scratch.path, names: names).names == ["t"])
        try write("part.safetensors", ["c"])
        try index("\"c\":\"part.safetensors\"")
        #expect(try WeightSet(folder: scratch.path, names: names).names == ["c"])
        try write("model.safetensors", ["a", "b"])
        #expect(try WeightSet(folder: scratch.path, names: names).names == ["a", "b"])
    }

    @Test func nothingThereNamesWhatWasLookedFor() throws {
        let empty = refusal("model")
        #expect(
            empty.contains(
                "expected one of model.safetensors, model.safetensors.index.json, model.bin, model.bin.index.json"))
        #expect(empty.contains("found an empty folder"))
        try write("model.fp16.safetensors", ["a"])
        #expect(refusal("model").contains("found only 'model.fp16.safetensors'"))
        let error = #expect(throws: WeightError.self) { try WeightSet(folder: "\(scratch.path)/none", names: ["a"]) }
        #expect(error?.code == .missing)
    }

    @Test func indexesThatLieAreRefused() throws {
        try write("one.safetensors", ["a", "b"])
        try write("two.safetensors", ["b", "c"])
        let cases = [
            ("\"a\":\"../one.safetensors\"", "found '../one.safetensors'"),
            ("\"a\":\"/etc/passwd\"", "found '/etc/passwd'"), ("\"a\":\"..\"", "found '..'"),
            ("\"a\":\"\"", "found ''"),
            ("\"a\":\"x\\ny\"", "found 'x?y'"), ("\"a\":1", "expected text in double quotes"),
            ("\"a\":\"none.safetensors\"", "shard 'none.safetensors': expected it beside the index"),
            ("\"d\":\"one.safetensors\"", "shard 'one.safetensors': expected 'd' in it"),
            ("\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"", "tensor 'b': expected each name in one shard"),
            ("\"a\":\"one.safetensors\",\"a\":\"two.safetensors\"", "tensor 'a': expected each name once"),
            ("", "a 'weight_map' that names shards, found none"),
        ]
        for (map, says) in cases {
            try index(map)
            let text = refusal("model")
            #expect(text.contains(says), "\(text)")
        }
    }

    @Test func deepIndexesAreRefused() throws {
        let deep = String(repeating: "[", count: 100_000)
        _ = try scratch.write("model.safetensors.index.json", Array("{\"metadata\":\(deep)".utf8))
        #expect(refusal("model").contains("at most 64 nested values"))
    }
}
