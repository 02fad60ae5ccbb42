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

    private func refusal(_ library: WeightLibrary = .transformers) -> String {
        do throws(WeightError) {
            let set = try WeightSet(folder: scratch.path, library: library)
            Issue.record("was read: \(set.names)")
            return ""
        } catch {
            #expect(error.description.contains(scratch.path))
            return error.description
        }
    }

    @Test(arguments: [WeightLibrary.diffusers, .transformers])
    func shardsReadAsOne(library: WeightLibrary) throws {
        let name = library == .diffusers ? "diffusion_pytorch_model" : "pytorch_model"
        let expected = try #require(try Golden.read().files["shards/\(name)"])
        let set = try WeightSet(folder: Golden.path("shards"), library: library)
        #expect(set.files.count == 2)
        #expect(set.names == expected.keys.sorted())
        for name in set.names {
            let (file, entry) = try #require(set.find(name))
            #expect(bits(file.floats(of: entry)) == expected[name]?.bits)
        }
        #expect(set.find("none") == nil)
    }

    /// What a folder with all of a library's files gives, the file that counted removed each time.
    private func order(_ library: WeightLibrary) throws -> [String] {
        for name in library.candidates {
            if name.hasSuffix(".json") {
                // Each index has its own shards.
                try write("of-\(name).safetensors", [name])
                try index("\"\(name)\":\"of-\(name).safetensors\"", name: name)
            } else {
                // The contents tell the kinds apart, not the name.
                try write(name, [name])
            }
        }
        var found: [String] = []
        for _ in library.candidates {
            let set = try WeightSet(folder: scratch.path, library: library)
            found += set.names
            try FileManager.default.removeItem(atPath: "\(scratch.path)/\(set.names[0])")
        }
        return found
    }

    /// As diffusers 0.42 chooses in `ModelMixin.from_pretrained`, without a variant and then with `variant="fp16"`.
    @Test func diffusersTakesAnIndexBeforeAWholeFileAndSafetensorsBeforePickles() throws {
        let stem = "diffusion_pytorch_model"
        #expect(
            try order(.diffusers) == [
                "\(stem).safetensors.index.json", "\(stem).safetensors", "\(stem).bin", "\(stem).bin.index.json",
                "\(stem).safetensors.index.fp16.json", "\(stem).safetensors.fp16.index.json",
                "\(stem).fp16.safetensors", "\(stem).fp16.bin", "\(stem).bin.index.fp16.json",
                "\(stem).bin.fp16.index.json",
            ])
    }

    /// As transformers 5.23 chooses in `_get_resolved_checkpoint_files`.
    @Test func transformersTakesAWholeFileBeforeAnIndex() throws {
        #expect(
            try order(.transformers) == [
                "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                "pytorch_model.bin.index.json", "model.fp16.safetensors", "model.safetensors.index.fp16.json",
                "pytorch_model.fp16.bin", "pytorch_model.bin.index.fp16.json",
            ])
    }

    @Test func nothingThereNamesWhatWasLookedFor() throws {
        let empty = refusal()
        #expect(
            empty.contains(
                "expected one of model.safetensors, model.safetensors.index.json, pytorch_model.bin, "
                    + "pytorch_model.bin.index.json"))
        #expect(empty.contains("found an empty folder"))
        try write("model.ema.safetensors", ["a"])
        #expect(refusal().contains("found only 'model.ema.safetensors'"))
        #expect(refusal(.diffusers).contains("expected one of diffusion_pytorch_model.safetensors.index.json"))
        let error = #expect(throws: WeightError.self) {
            try WeightSet(folder: "\(scratch.path)/none", library: .diffusers)
        }
        #expect(error?.code == .missing)
    }

    /// No other file is taken in its place: it would have other weights.
    @Test func aLinkToAFileThatIsNotThereIsSaidToBeThat() throws {
        try write("model.safetensors.index.json", ["a"])
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/model.safetensors", withDestinationPath: "../../blobs/0a1b")
        #expect(
            refusal().contains(
                "model.safetensors: expected a file or folder, found a link to '../../blobs/0a1b', which is not there"))
        try FileManager.default.removeItem(atPath: "\(scratch.path)/model.safetensors")
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/gone.safetensors", withDestinationPath: "../../blobs/2c3d")
        try index("\"a\":\"gone.safetensors\"")
        #expect(refusal().contains("gone.safetensors: expected a file or folder, found a link to '../../blobs/2c3d'"))
    }

    @Test func aLinkOnTheWayIsNamedAndALinkThatLeadsSomewhereIsFollowed() throws {
        try write("model.safetensors", ["a"])
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/there", withDestinationPath: scratch.path)
        #expect(try WeightSet(folder: "\(scratch.path)/there", library: .transformers).names == ["a"])
        try FileManager.default.createSymbolicLink(
            atPath: "\(scratch.path)/away", withDestinationPath: "/nowhere/at/all")
        let error = #expect(throws: WeightError.self) { try FilePresence.isThere("\(scratch.path)/away/unet/x.json") }
        #expect(error?.description.contains("\(scratch.path)/away: expected") == true)
        #expect(error?.description.contains("found a link to '/nowhere/at/all'") == true)
        #expect(try !FilePresence.isThere("\(scratch.path)/none"))
    }

    @Test func indexesThatLieAreRefused() throws {
        try write("one.safetensors", ["a", "b"])
        try write("two.safetensors", ["b", "c"])
        let cases = [
            ("\"a\":\"../one.safetensors\"", "found '../one.safetensors'"),
            ("\"a\":\"/etc/passwd\"", "found '/etc/passwd'"), ("\"a\":\"..\"", "found '..'"),
            ("\"a\":\"\"", "found ''"),
            ("\"a\":\"x\\ny\"", "found 'x y'"), ("\"a\":1", "expected text in double quotes"),
            ("\"a\":\"none.safetensors\"", "shard 'none.safetensors': expected it beside the index"),
            ("\"d\":\"one.safetensors\"", "shard 'one.safetensors': expected 'd' in it"),
            ("\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"", "tensor 'b': expected each name in one shard"),
            ("\"a\":\"one.safetensors\",\"a\":\"two.safetensors\"", "tensor 'a': expected each name once"),
            ("", "a 'weight_map' that names shards, found none"),
        ]
        for (map, says) in cases {
            try index(map)
            let text = refusal()
            #expect(text.contains(says), "\(text)")
        }
    }

    @Test func deepIndexesAreRefused() throws {
        let deep = String(repeating: "[", count: 100_000)
        _ = try scratch.write("model.safetensors.index.json", Array("{\"metadata\":\(deep)".utf8))
        #expect(refusal().contains("at most 64 nested values"))
    }
}
