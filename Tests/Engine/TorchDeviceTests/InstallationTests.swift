// How libtorch and its shim are found, and what is said where they are not.

import Foundation
import Testing

@testable import TorchDevice

@Suite final class InstallationTests {
    private let root = FileManager.default.temporaryDirectory.appending(path: "torch-\(UUID())")

    deinit { try? FileManager.default.removeItem(at: root) }

    /// A folder that looks like libtorch.
    private func installation(_ name: String, _ text: String, in file: String = "version.py") throws -> URL {
        let folder = root.appending(path: name)
        try FileManager.default.createDirectory(at: folder.appending(path: "lib"), withIntermediateDirectories: true)
        try Data().write(to: folder.appending(path: "lib/libtorch_cpu.so"))
        try Data(text.utf8).write(to: folder.appending(path: file))
        return folder
    }

    /// A `python3` that says where torch is.
    private func python(_ script: String) throws -> String {
        let folder = root.appending(path: "bin-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: "python3")
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return folder.path
    }

    @Test func theVersionIsReadFromWheelsAndArchives() throws {
        let wheel = try installation("wheel", "__all__ = ['x']\n__version__ = '2.15.0+cu132'\ndebug = False\n")
        #expect(try TorchInstallation(folder: wheel).version == "2.15.0+cu132")
        let archive = try installation("archive", "2.12.1+cpu\n", in: "build-version")
        #expect(try TorchInstallation(folder: archive).version == "2.12.1+cpu")
    }

    @Test func theFlagComesBeforeTheVariableAndTheVariableBeforePython() throws {
        let folders = try ["flag", "variable", "python"].map { try installation($0, "__version__ = '2.15.0'") }
        let path = try "/nowhere:" + python("echo \(folders[2].path)")
        let both = ["PATH": path, "DETDIFFUSION_TORCH": folders[1].path]
        #expect(try TorchInstallation.find(flag: folders[0].path, environment: both).folder.path == folders[0].path)
        #expect(try TorchInstallation.find(environment: both).folder.path == folders[1].path)
        #expect(
            try TorchInstallation.find(environment: ["PATH": path, "DETDIFFUSION_TORCH": ""]).folder.path
                == folders[2].path)
    }

    @Test func whatIsMissingIsOneLineWithTheFix() throws {
        for path in try ["", "/nowhere", python("echo"), python("exit 3"), python("echo no torch >&2; exit 1")] {
            let error = #expect(throws: TorchError.self) { try TorchInstallation.find(environment: ["PATH": path]) }
            #expect(error?.description.hasPrefix("expected libtorch, found neither DETDIFFUSION_TORCH nor") == true)
            #expect(error?.description.hasSuffix("name its folder with --torch or DETDIFFUSION_TORCH") == true)
        }
        let empty = #expect(throws: TorchError.self) { try TorchInstallation.find(flag: "/nowhere") }
        #expect(empty?.description.contains("/nowhere: expected libtorch, found no lib/libtorch_cpu.so") == true)
        let unnamed = try installation("unnamed", "debug = False")
        let error = #expect(throws: TorchError.self) { try TorchInstallation(folder: unnamed) }
        #expect(error?.description.contains("expected torch's version in version.py") == true)
    }

    @Test func theShimIsLookedForByVersionAndBesideTheProgram() throws {
        let installation = try TorchInstallation(folder: installation("torch", "__version__ = '2.15.0+cu132'"))
        let folders = TorchShim.folders(environment: ["DETDIFFUSION_TORCH_SHIM": "/shims"])
        #expect(folders.first?.path == "/shims" && folders.count == 5)
        let program = try URL(fileURLWithPath: FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        #expect(folders[1].path == program.deletingLastPathComponent().appending(path: "torch").path)
        let missing = #expect(throws: TorchError.self) { try TorchShim.find(for: installation, in: [root]) }
        #expect(
            missing?.description
                == "no shim for torch 2.15.0+cu132 in \(root.path) or beside this program; compile it with: "
                + "ops/build-torch --torch \(installation.folder.path)")
        let folder = root.appending(path: "2.15.0+cu132")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data().write(to: folder.appending(path: "libdetdiffusion-torch.so"))
        #expect(
            try TorchShim.find(for: installation, in: [URL(fileURLWithPath: "/nowhere"), root]).path.hasPrefix(
                folder.path))
    }

    @Test func whyALibraryDoesNotOpenIsToldInWords() throws {
        let installation = try TorchInstallation(folder: installation("torch", "__version__ = '2.15.0'"))
        let missing = TorchError.unopened(
            "torch_cpu", installation,
            reason: "libcupti.so.13: cannot open shared object file: No such file or directory")
        #expect(
            missing.description.contains(
                "torch 2.15.0 in \(installation.folder.path) needs libcupti.so.13, which is not there"))
        let broken = TorchError.unopened("c10", installation, reason: "/x/libc10.so: file too short")
        #expect(broken.description.contains("libc10.so of torch 2.15.0 does not open: /x/libc10.so: file too short"))
        #expect(TorchLibrary.abiText(0x020F_0000_0000_0000) == "2.15.0")
        #expect(TorchLibrary.abiText(0x020B_0100_0000_0007) == "2.11.1 (ABI tag 7)")
    }
}
