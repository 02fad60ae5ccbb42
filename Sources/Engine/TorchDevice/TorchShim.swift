// The compiled shim: where it may lie, and what to do where it does not.

public import Foundation

/// Finds the library that ops/build-torch compiles.
///
/// It is `VERSION/libdetdiffusion-torch.so` in one of these folders, with torch's whole version: what the variable
/// `DETDIFFUSION_TORCH_SHIM` names; `torch` beside the executable, or one or two folders above it, as in `.build/torch`;
/// `lib/detdiffusion/torch` beside an executable's `bin`.
public enum TorchShim {
    /// The environment variable that names a folder of shims.
    public static let variable = "DETDIFFUSION_TORCH_SHIM"
    static let fileName = "libdetdiffusion-torch.so"

    /// Where shims are looked for, first to last.
    public static func folders(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        executable: URL = URL(fileURLWithPath: CommandLine.arguments.first ?? "")
    ) -> [URL] {
        let named = environment[variable].flatMap { $0.isEmpty ? nil : [URL(fileURLWithPath: $0)] } ?? []
        let running = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
            .map { URL(fileURLWithPath: $0) }
        let folder = (running ?? executable).deletingLastPathComponent()
        let above = folder.deletingLastPathComponent()
        return named + [
            folder.appending(path: "torch"), above.appending(path: "torch"),
            above.deletingLastPathComponent().appending(path: "torch"),
            above.appending(path: "lib/detdiffusion/torch"),
        ]
    }

    static func find(for installation: TorchInstallation, in folders: [URL]) throws(TorchError) -> URL {
        let paths = folders.map { $0.appending(path: "\(installation.version)/\(fileName)") }
        guard let found = paths.first(where: { FileManager.default.fileExists(atPath: $0.path) }) else {
            throw TorchError(
                "no shim for torch \(installation.version) in \(folders.first?.path ?? "any folder") or beside this program; "
                    + fix(installation))
        }
        return found
    }

    /// How a shim is made.
    static func fix(_ installation: TorchInstallation) -> String {
        "compile it with: ops/build-torch --torch \(installation.folder.path)"
    }
}

extension TorchError {
    /// A library of torch's own that does not open.
    static func unopened(_ name: String, _ installation: TorchInstallation, reason: String) -> TorchError {
        // "libcupti.so.13: cannot open shared object file: No such file or directory"
        let missing = reason.split(separator: ":").first.map(String.init) ?? ""
        if reason.contains("cannot open shared object file"), !missing.contains("/") {
            return TorchError(
                "torch \(installation.version) in \(installation.folder.path) needs \(missing), which is not there; install what it "
                    + "depends on (pip install torch, or on the processor nvidia-cuda-runtime and nvidia-cuda-cupti)")
        }
        return TorchError(
            "\(installation.folder.path): lib\(name).so of torch \(installation.version) does not open: \(reason); install torch anew"
        )
    }

    /// A shim that does not open, mostly since libtorch's names are others in another version.
    static func unopenedShim(_ shim: URL, _ installation: TorchInstallation, reason: String) -> TorchError {
        let found = reason.contains("undefined symbol") ? "one that was compiled for another" : reason
        return TorchError(
            "\(shim.path): expected a shim for torch \(installation.version), found \(found); \(TorchShim.fix(installation))"
        )
    }
}
