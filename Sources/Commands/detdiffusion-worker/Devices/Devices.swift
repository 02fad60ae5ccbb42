// `devices`: what can compute on this host.

import ArgumentParser
import Console

struct Devices: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists the devices of this host, their memory and their libraries' versions.",
        discussion: "Exit code 69 where the libtorch that --torch or DETDIFFUSION_TORCH names cannot be used.")

    @Option(
        help: ArgumentHelp(
            "The folder of libtorch. Default: $DETDIFFUSION_TORCH, else the package torch of the first python3 on the path.",
            valueName: "dir"))
    var torch: String?

    @Flag(help: "One JSON object a device.")
    var json = false

    func run() async throws {
        try await reporting("detdiffusion-worker") {
            let list = DeviceList(torch: torch)
            if json {
                for device in list.devices { try JSONLines().write(device) }
            } else {
                tell(list.text)
            }
            if list.isNamedTorchUnusable { throw fail(.unavailable) }
        }
    }
}
