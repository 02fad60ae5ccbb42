// The options of what computes, shared by all commands that do.

public import ArgumentParser
import Console
import ErrorLines
import Tensors
public import TorchDevice

extension TorchPrecision: ExpressibleByArgument {}

/// Which device, with which numbers, from which library.
struct DeviceOptions: ParsableArguments {
    @Option(
        name: .customLong("device"),
        help: ArgumentHelp(
            "What computes: cpu, this processor; torch, this processor with libtorch; cuda or cuda:N, a GPU with libtorch. "
                + "Default: cpu.", valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            "How torch and cuda keep numbers: float32, bfloat16 or float16. Default: float32.", valueName: "format"))
    var precision: TorchPrecision?

    @Option(
        help: ArgumentHelp(
            "The folder of libtorch. Default: $DETDIFFUSION_TORCH, else the package torch of the first python3 on the path.",
            valueName: "dir"))
    var torch: String?

    @Option(help: ArgumentHelp("Threads that compute on the processor. Default: one a core.", valueName: "n"))
    var threads: Int?

    /// The device that the options ask for, or the profile, where they say nothing.
    func device(_ profile: WorkerProfile? = nil) throws -> any Device { try request(profile).device() }

    /// What the options ask for.
    func request(_ profile: WorkerProfile? = nil) throws -> DeviceRequest {
        let choice = try DeviceChoice(name ?? profile?.device ?? "cpu")
        // A profile's precision is that of its device: another one, named by a flag, has its own.
        let profiled = name == nil ? profile?.precision : nil
        let precision = try self.precision ?? profiled.map(Self.precision(ofProfile:)) ?? .float32
        guard choice != .cpu || precision == .float32 else {
            throw CommandError(
                .usage,
                "--precision: device cpu computes with float32, found \(precision); use --device torch or cuda, or drop the option"
            )
        }
        return DeviceRequest(
            choice: choice, precision: precision, torch: torch ?? profile?.torch, threads: threads ?? profile?.threads)
    }

    private static func precision(ofProfile text: String) throws -> TorchPrecision {
        guard let precision = TorchPrecision(rawValue: text) else {
            throw CommandError(
                .data,
                "profile: precision: expected \(TorchPrecision.allCases.map(\.rawValue).joined(separator: ", ")), found "
                    + ErrorLine.quoted(text))
        }
        return precision
    }
}
