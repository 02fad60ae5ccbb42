// The devices of this host as `devices` shows them.

import Console
import Foundation
import Processors
import Tensors
import TorchDevice

/// One device, or why there is none.
struct DeviceReport: Encodable {
    /// What `--device` names.
    var device: String
    /// What it is, for people.
    var name: String?
    /// Which library computes.
    var library: String?
    /// Bytes of its memory, and of what is left of it.
    var memory: Int?, free: Int?
    /// What `--precision` may name.
    var precisions: [String]?
    /// Why it cannot be used, and what to do.
    var unusable: String?
}

/// All devices that can be found.
struct DeviceList {
    private(set) var devices: [DeviceReport]
    private let torch: String?

    /// Opens libtorch, where it is.
    init(torch: String?) {
        self.torch = torch
        devices = [Self.processor]
        let request = DeviceRequest(choice: .torch, torch: torch)
        do {
            let hasDriver = TorchLibrary.hasDriver
            devices.append(try Self.report(TorchDevice(request.library(forGPUs: false)), .torch))
            // Without a driver there is nothing to look for.
            if hasDriver { devices += try Self.gpus(request) }
        } catch {
            devices.append(DeviceReport(device: devices.count == 1 ? "torch" : "cuda", unusable: "\(error)"))
        }
    }

    /// Whether somebody named a libtorch that does not work.
    var isNamedTorchUnusable: Bool {
        let named = torch ?? ProcessInfo.processInfo.environment[TorchInstallation.variable]
        return named?.isEmpty == false && devices.contains { $0.unusable != nil }
    }

    private static var processor: DeviceReport {
        let device = CPUDevice()
        return DeviceReport(
            device: DeviceChoice.cpu.description, name: "processor, \(Format.count(device.threads)) threads",
            library: "this engine, \(device.facts.name)", memory: Int(ProcessInfo.processInfo.physicalMemory),
            free: device.freeBytes, precisions: [TorchPrecision.float32.rawValue])
    }

    private static func gpus(_ request: DeviceRequest) throws -> [DeviceReport] {
        let library = try request.library(forGPUs: true)
        return try library.gpus().enumerated().map { index, gpu in
            var report = try report(TorchDevice(library, .gpu(index)), .cuda(index))
            (report.name, report.memory) = ("\(gpu.name), compute capability \(gpu.capability)", gpu.bytes)
            return report
        }
    }

    private static func report(_ device: TorchDevice, _ choice: DeviceChoice) -> DeviceReport {
        DeviceReport(
            device: choice.description, name: "processor",
            library: "torch \(device.library.installation.version) in \(device.library.installation.folder.path)",
            memory: Int(ProcessInfo.processInfo.physicalMemory), free: device.freeBytes,
            precisions: TorchPrecision.allCases.map(\.rawValue))
    }

    /// A table, and a line for what cannot be used.
    var text: String {
        var table = Table("device", "what", "memory", "free", "precisions", "library")
        for device in devices where device.unusable == nil {
            table.append(
                device.device, device.name ?? "", Format.bytes(device.memory ?? 0), Format.bytes(device.free ?? 0),
                device.precisions?.joined(separator: " ") ?? "", device.library ?? "")
        }
        return ([table.text] + devices.compactMap(\.unusable)).joined(separator: "\n")
    }
}
