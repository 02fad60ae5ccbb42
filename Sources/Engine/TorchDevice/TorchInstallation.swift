// Where libtorch lies on this host, and which version it is.

public import Foundation

/// A folder of libtorch: the package `torch` of a Python, or what is unpacked from PyTorch's C++ archive.
public struct TorchInstallation: Sendable, Hashable {
    /// What holds `lib` and `include`.
    public let folder: URL
    /// As it says itself, for example `2.15.0+cu132`.
    public let version: String

    /// The environment variable that names a folder.
    public static let variable = "DETDIFFUSION_TORCH"

    /// Reads which version lies in a folder.
    public init(folder: URL) throws(TorchError) {
        guard FileManager.default.fileExists(atPath: folder.appending(path: "lib/libtorch_cpu.so").path) else {
            throw TorchError(
                "\(folder.path): expected libtorch, found no lib/libtorch_cpu.so in it; give the folder that "
                    + "python3 -c 'import torch; print(torch.__path__[0])' prints")
        }
        guard let version = Self.version(in: folder) else {
            throw TorchError(
                "\(folder.path): expected torch's version in version.py or build-version, found neither; install torch anew"
            )
        }
        (self.folder, self.version) = (folder, version)
    }

    /// The installation that a flag names, or the variable, or that of the first `python3` on the path.
    public static func find(
        flag: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(TorchError) -> TorchInstallation {
        let named = flag ?? environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        if let named { return try TorchInstallation(folder: URL(fileURLWithPath: named)) }
        guard let folder = ofPython(environment) else {
            throw TorchError(
                "expected libtorch, found neither \(variable) nor a python3 on the path that has torch; pip install torch, "
                    + "or name its folder with --torch or \(variable)")
        }
        return try TorchInstallation(folder: folder)
    }

    /// `2.15` of `2.15.0+cu132`.
    var minorVersion: String { version.split(separator: ".").prefix(2).joined(separator: ".") }

    private static func version(in folder: URL) -> String? {
        let whole = try? String(contentsOf: folder.appending(path: "build-version"), encoding: .utf8)
        if let whole { return whole.trimmingCharacters(in: .whitespacesAndNewlines) }
        let text = try? String(contentsOf: folder.appending(path: "version.py"), encoding: .utf8)
        let line = text?.split(separator: "\n").first { $0.hasPrefix("__version__") }
        return line?.split(whereSeparator: { $0 == "'" || $0 == "\"" }).dropFirst().first.map(String.init)
    }

    /// Where the Python on the path would import torch from; nothing is imported.
    private static func ofPython(_ environment: [String: String]) -> URL? {
        let folders = (environment["PATH"] ?? "").split(separator: ":")
        let found = folders.map { "\($0)/python3" }.first(where: FileManager.default.isExecutableFile(atPath:))
        guard let found else { return nil }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: found)
        process.arguments = [
            "-c",
            "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        // A Python that does not start has no torch.
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let path = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return path.isEmpty ? nil : URL(fileURLWithPath: path)
    }
}
