// `--device` and `devices` as a person runs them; no server is asked.

import Fixtures
import Foundation
import Pixels
import Testing

struct DeviceCommandTests {
    private static let torch = Surroundings.variable("DETDIFFUSION_TORCH")
    /// The oldest version that is supported, which ops/test installs beside the newest.
    private static let oldest = Surroundings.variable("DETDIFFUSION_TORCH_OLDEST")
    private static let shims = Surroundings.variable("DETDIFFUSION_TORCH_SHIM") ?? Surroundings.root + "/.build/torch"
    private static let missing: Comment = "needs libtorch: set DETDIFFUSION_TORCH, as ops/test does"

    private let folder = FileManager.default.temporaryDirectory.path + "/devices_" + UUID().uuidString

    /// On a host that has no libtorch.
    private static let without = Commands(environment: ["DETDIFFUSION_TORCH": "", "PATH": "/nowhere"])

    private func generate(_ more: [String], by commands: Commands = Commands()) throws -> ProcessResult {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let layout =
            #"{"width":80,"height":60,"objects":[{"category":"person","bbox":[0,0,40,60],"attribute":"easy"}]}"#
        try Data(layout.utf8).write(to: URL(fileURLWithPath: folder + "/layout.json"))
        return try commands.run(
            "worker",
            ["generate", "--checkpoint", TinyCheckpoint.sd1.folder, "--layout", folder + "/layout.json"]
                + ["--size", "64x48", "--steps", "6", "--image", folder + "/image.png"] + more)
    }

    private func pixels(_ more: [String]) throws -> [UInt8] {
        let result = try generate(more)
        #expect(result.status == 0, "\(result.errors)")
        return try Image(decoding: Array(Data(contentsOf: URL(fileURLWithPath: folder + "/image.png")))).pixels
    }

    @Test(
        arguments: [
            (["--device", "gpu"], 64, "--device: expected cpu, torch, cuda or cuda:N, found 'gpu'"),
            (["--device", "cuda:x"], 64, "--device: expected cpu, torch, cuda or cuda:N, found 'cuda:x'"),
            (["--device", "cuda:-1"], 64, "--device"), (["--precision", "half"], 64, "--precision"),
            (["--precision", "bfloat16"], 64, "--precision: device cpu computes with float32, found bfloat16"),
            (["--device", "torch"], 69, "--device torch: expected libtorch, found neither DETDIFFUSION_TORCH nor"),
            (
                ["--device", "torch", "--torch", "/nowhere"], 69,
                "/nowhere: expected libtorch, found no lib/libtorch_cpu.so"
            ),
            (["--device", "torch", "--threads", "0"], 64, "--threads: expected 1 to 1024, found 0"),
        ] as [([String], Int32, String)])
    func aDeviceThatCannotBeIsOneLine(options: [String], status: Int32, says: String) throws {
        let result = try generate(options, by: Self.without)
        #expect(result.status == status)
        #expect(result.errors.contains(says) && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test(
        arguments: [
            (["--devices", "gpu"], 64, "--device: expected cpu, torch, cuda or cuda:N, found 'gpu'"),
            (["--devices", "cpu,,torch"], 64, "found ''"), (["--devices", "cpu,cpu"], 64, "expected each device once"),
            (["--devices", "cpu", "--device", "cpu"], 64, "--devices: expected no --device beside it"),
        ] as [([String], Int32, String)])
    func workersOfDevicesThatCannotBeAreOneLine(options: [String], status: Int32, says: String) throws {
        let result = try Self.without.run("worker", ["run"] + options)
        #expect(result.status == status)
        #expect(result.errors.contains(says) && result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test(.disabled(if: FileManager.default.fileExists(atPath: "/dev/nvidia0"), "this host has a GPU"))
    func aGPUThatIsNotThereIsOneLine() throws {
        let result = try generate(["--device", "cuda:1", "--precision", "bfloat16"])
        #expect(result.status == 69 && result.errors.contains("--device cuda:1: expected "), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
        let all = try Commands().run("worker", ["run", "--devices", "all"])
        #expect(all.status == 69 && all.errors.contains("expected a GPU"), "\(all.errors)")
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func theListHoldsTheProcessorAndSaysHowToGetMore() throws {
        let plain = try Self.without.run("worker", ["devices"])
        #expect(plain.status == 0, "nobody asked for libtorch")
        #expect(plain.output.contains("cpu") && plain.output.contains("pip install torch"), "\(plain.output)")
        let devices = try list(["--torch", "/nowhere"], by: Self.without, status: 69)
        #expect(devices.map { $0["device"] as? String } == ["cpu", "torch"])
        #expect(devices[0]["precisions"] as? [String] == ["float32"] && devices[0]["free"] as? Int ?? 0 > 1 << 20)
        #expect((devices[1]["unusable"] as? String)?.contains("/nowhere: expected libtorch") == true)
    }

    private func list(
        _ options: [String], by commands: Commands = Commands(), status: Int32 = 0
    ) throws -> [[String: Any]] {
        let result = try commands.run("worker", ["devices", "--json"] + options)
        #expect(result.status == status, "\(result.errors)")
        return try result.output.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test(.enabled(if: torch != nil, missing), arguments: [torch, oldest].compactMap { $0 })
    func everySupportedVersionIsListedAndComputes(folder torch: String) throws {
        let device = try #require(try list(["--torch", torch]).first { $0["device"] as? String == "torch" })
        #expect((device["library"] as? String)?.hasSuffix("in \(torch)") == true)
        #expect(device["precisions"] as? [String] == ["float32", "bfloat16", "float16"])
        let expected = try pixels([])
        for (precision, most) in [("float32", 0.01), ("bfloat16", 2), ("float16", 0.5)] {
            let found = try pixels(["--device", "torch", "--torch", torch, "--precision", precision])
            let difference = zip(found, expected).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
            #expect(found.count == expected.count && Double(difference) / Double(found.count) <= most, "\(precision)")
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test(.enabled(if: torch != nil && oldest != nil, missing))
    func aShimForAnotherVersionIsRefused() throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: Self.shims).sorted()
        #expect(versions.count == 2, "\(versions)")
        for (has, wants) in [(versions[0], versions[1]), (versions[1], versions[0])] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(wants)", withIntermediateDirectories: true)
            let file = "libdetdiffusion-torch.so"
            try FileManager.default.copyItem(
                atPath: "\(Self.shims)/\(has)/\(file)", toPath: "\(folder)/\(wants)/\(file)")
        }
        for torch in [Self.torch, Self.oldest].compactMap({ $0 }) {
            let commands = Commands(environment: ["DETDIFFUSION_TORCH_SHIM": folder])
            let device = try #require(try list(["--torch", torch], by: commands, status: 69).last)
            let line = try #require(device["unusable"] as? String)
            #expect(line.contains("expected a shim for torch ") && line.contains("compiled for another"), "\(line)")
            #expect(line.hasSuffix("compile it with: ops/build-torch --torch \(torch)"), "\(line)")
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test(.enabled(if: torch != nil, missing))
    func aBrokenShimIsOneLine() throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: Self.shims)
        for version in versions {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(version)", withIntermediateDirectories: true)
            try Data("no library".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(version)/libdetdiffusion-torch.so"))
        }
        let result = try Commands(environment: ["DETDIFFUSION_TORCH_SHIM": folder]).run(
            "worker", ["devices", "--torch", try #require(Self.torch)])
        #expect(result.status == 69 && result.output.contains("compile it with: ops/build-torch"), "\(result.output)")
        try FileManager.default.removeItem(atPath: folder)
    }
}
