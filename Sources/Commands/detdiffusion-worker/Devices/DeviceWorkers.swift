// Several devices of one host: a worker process for each, started and ended by this one.

import ArgumentParser
import Console
import Dispatch
import Foundation
import TorchDevice

/// The workers that `run --devices` starts. Each is this command again with one device, so a device that is lost, or a worker that
/// dies, leaves the others as they are.
struct DeviceWorkers {
    private let devices: [DeviceChoice]
    private let name: String

    /// - Parameters:
    ///   - list: `all`, or devices' names with commas between them.
    ///   - torch: the folder of libtorch, for the list of GPUs.
    ///   - name: what people call the workers.
    init(_ list: String, torch: String?, name: String?) throws {
        self.name = name ?? ProcessInfo.processInfo.hostName
        if list == "all" {
            devices = try Self.gpus(torch: torch)
        } else {
            devices = try list.split(separator: ",", omittingEmptySubsequences: false).map {
                try DeviceChoice(String($0))
            }
        }
        guard Set(devices).count == devices.count else {
            throw CommandError(.usage, "--devices: expected each device once, found \(list)")
        }
    }

    private static func gpus(torch: String?) throws -> [DeviceChoice] {
        // Fails with the fix where there is no GPU.
        let request = DeviceRequest(choice: .cuda(0), torch: torch)
        try request.requireGPU()
        return try request.library(forGPUs: true).gpus().indices.map { .cuda($0) }
    }

    /// Waits for all of them; a signal to this process goes on to each.
    func run() async throws {
        let workers = try devices.map { device in (device, try start(device)) }
        let signals = forwardSignals(to: workers.map(\.1))
        defer { for signal in signals { signal.cancel() } }
        var status: Int32 = 0
        for (device, worker) in workers {
            let code = await worker.end()
            guard code != 0 else { continue }
            remark("detdiffusion-worker: the worker on \(device) ended with \(code)")
            if status == 0 { status = code }
        }
        if status != 0 { throw ExitCode(status) }
    }

    private func start(_ device: DeviceChoice) throws -> DeviceWorker {
        let arguments = Self.arguments(Array(CommandLine.arguments.dropFirst()), device: device, name: name)
        do {
            return try DeviceWorker(arguments)
        } catch {
            throw CommandError(.software, "the worker on \(device) cannot be started: \(error.localizedDescription)")
        }
    }

    /// The arguments of one worker: those of this process with one device and a name of its own.
    static func arguments(_ given: [String], device: DeviceChoice, name: String) -> [String] {
        var arguments: [String] = []
        var isValue = false
        for argument in given {
            defer { isValue = argument == "--devices" || argument == "--name" }
            let isOption = argument == "--devices" || argument == "--name"
            guard !isValue, !isOption, !argument.hasPrefix("--devices="), !argument.hasPrefix("--name=") else {
                continue
            }
            arguments.append(argument)
        }
        return arguments + ["--device", device.description, "--name", "\(name) \(device)"]
    }

    private func forwardSignals(to workers: [DeviceWorker]) -> [any DispatchSourceSignal] {
        [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { for worker in workers { worker.send(number) } }
            source.resume()
            return source
        }
    }
}

/// One of them.
private final class DeviceWorker: @unchecked Sendable {
    // Sendable: the process is not changed after its start, and the end is guarded.
    private let process = Process()
    private let ended = AsyncStream<Int32>.makeStream()

    /// It writes to this process's output, and reads nothing.
    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let ended = ended.continuation
        process.terminationHandler = { process in
            let code = process.terminationStatus
            ended.yield(process.terminationReason == .exit ? code : 128 + code)
            ended.finish()
        }
        try process.run()
    }

    func send(_ signal: Int32) { if process.isRunning { kill(process.processIdentifier, signal) } }

    /// Its exit code, or 128 and the number of the signal that ended it.
    func end() async -> Int32 {
        for await code in ended.stream { return code }
        return 0
    }
}
