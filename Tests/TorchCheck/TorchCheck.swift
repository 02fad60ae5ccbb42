// What ops/gpu-check runs: libtorch's device against recorded numbers, its times, its graphs, and its memory. It needs no module of
// the processor's device, and so no OpenBLAS. Built only with DETDIFFUSION_TORCH_CHECK set.
//
// torch-check golden FOLDER                     the golden models in every precision
// torch-check layers                            layers that may need mending on a GPU, one by one
// torch-check unet CHECKPOINT ROWSxCOLUMNS...   guided calls of the U-Net, without and with graphs
// torch-check image CHECKPOINT ROWSxCOLUMNS     whole images, 50 steps
// torch-check memory CHECKPOINT ROWSxCOLUMNS    a batch that does not fit into what is left
//
// --device torch|cuda, --precision NAME, --batch N (images), --runs N, --steps N. One line a finding, columns divided by tabs:
// what, the figure, and what it means. Exit code 1 where something does not hold.

import Foundation
import Tensors
import TorchDevice

@main
enum TorchCheck {
    static func main() {
        var words = Array(CommandLine.arguments.dropFirst())
        var options: [String: String] = [:]
        while let index = words.firstIndex(where: { $0.hasPrefix("--") }), index + 1 < words.count {
            options[words[index]] = words[index + 1]
            words.removeSubrange(index...index + 1)
        }
        do {
            let check = Check(
                place: options["--device"] == "torch" ? .processor : .gpu(0),
                precision: TorchPrecision(rawValue: options["--precision"] ?? "float32") ?? .float32,
                batch: Int(options["--batch"] ?? "1") ?? 1, runs: Int(options["--runs"] ?? "5") ?? 5,
                steps: Int(options["--steps"] ?? "50") ?? 50)
            let holds: Bool
            switch (words.first, words.count) {
            case ("golden", 2): holds = try check.golden(URL(fileURLWithPath: words[1]))
            case ("layers", 1): holds = try check.layers()
            case ("unet", 3...): holds = try check.unet(words[1], words[2...].map(sides))
            case ("image", 3): holds = try check.image(words[1], sides(words[2]))
            case ("memory", 3): holds = try check.memory(words[1], sides(words[2]))
            default: usage()
            }
            exit(holds ? 0 : 1)
        } catch {
            FileHandle.standardError.write(Data("torch-check: \(error)\n".utf8))
            exit(69)
        }
    }

    private static func sides(_ text: String) -> (rows: Int, columns: Int) {
        let numbers = text.split(separator: "x").compactMap { Int($0) }
        guard numbers.count == 2 else { usage() }
        return (numbers[0], numbers[1])
    }

    private static func usage() -> Never {
        FileHandle.standardError.write(
            Data("torch-check golden FOLDER | layers | unet|image|memory CHECKPOINT ROWSxCOLUMNS...\n".utf8))
        exit(64)
    }
}

/// What is asked of the device.
struct Check {
    let place: TorchPlace
    let precision: TorchPrecision
    let batch: Int, runs: Int, steps: Int

    /// The device in a precision.
    func device(_ precision: TorchPrecision? = nil, graphs: Bool = true) throws -> TorchDevice {
        let library = try TorchLibrary.open(TorchInstallation.find(), forGPUs: place != .processor)
        let device = try TorchDevice(library, place, precision: precision ?? self.precision)
        if graphs { try device.prepareGraphs() }
        return device
    }

    /// One finding.
    func say(_ what: String, _ figure: String, _ meaning: String = "") {
        // At once: the program may be ended by its time limit.
        FileHandle.standardOutput.write(Data("\(what)\t\(figure)\t\(meaning)\n".utf8))
    }

    /// The median of some calls after two that warm up, in milliseconds.
    func milliseconds(_ call: () throws -> Void) throws -> Double {
        for _ in 0..<3 { try call() }
        return try (0..<runs).map { _ in
            let start = ContinuousClock.now
            try call()
            return (ContinuousClock.now - start) / .milliseconds(1)
        }.sorted()[runs / 2]
    }

    /// Three digits.
    static func text(_ number: Double) -> String {
        number >= 100 ? "\(Int(number.rounded()))" : String(format: number >= 1 ? "%.2f" : "%.2g", number)
    }
}
