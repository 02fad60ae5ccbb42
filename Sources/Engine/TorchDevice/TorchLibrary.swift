// libtorch, opened while the program runs: nothing here is linked.

import CTorch
public import Foundation
import Synchronization
import Tensors

/// An open libtorch, with the shim that was compiled for it.
public final class TorchLibrary: @unchecked Sendable {
    // Sendable: constants; the functions are called on `thread` alone.

    /// Where it lies.
    public let installation: TorchInstallation
    /// Whether it was opened with what GPUs need.
    let hasGPUs: Bool
    let functions: torch_functions
    /// The library of the shim that it was opened with.
    let shim: URL
    let thread: TorchThread

    /// A process has one: libtorch cannot be closed, nor be there twice.
    private static let opened = Mutex<[Bool: TorchLibrary]>([:])

    /// Opens an installation, or gives the one that is open already.
    ///
    /// - Parameters:
    ///   - installation: where libtorch lies.
    ///   - forGPUs: also opens the libraries of CUDA, which take a second and a gigabyte of address space.
    ///   - shims: folders in which the shim is looked for, see ``TorchShim``.
    public static func open(
        _ installation: TorchInstallation, forGPUs: Bool = false, shims: [URL] = TorchShim.folders()
    ) throws(TorchError) -> TorchLibrary {
        let result = opened.withLock { opened in
            Result { () throws(TorchError) in
                if let other = opened.values.first, other.installation != installation {
                    throw TorchError(
                        "\(installation.folder.path): torch \(other.installation.version) of "
                            + "\(other.installation.folder.path) is open already; a process has one libtorch")
                }
                if let same = opened[true] ?? opened[forGPUs] { return same }
                let library = try TorchLibrary(
                    installation, forGPUs: forGPUs, shims: shims, thread: opened[false]?.thread)
                opened[forGPUs] = library
                return library
            }
        }
        return try result.get()
    }

    private init(
        _ installation: TorchInstallation, forGPUs: Bool, shims: [URL], thread: TorchThread?
    ) throws(TorchError) {
        let shim = try TorchShim.find(for: installation, in: shims)
        (self.installation, self.shim, hasGPUs) = (installation, shim, forGPUs)
        // Threads that wait for work would otherwise spin, and take the cores of everything else on the host.
        unsafe setenv("OMP_WAIT_POLICY", "passive", 0)
        let libraries = ["c10", "torch_cpu"] + (forGPUs ? ["c10_cuda", "torch_cuda"] : [])
        for name in libraries {
            let path = installation.folder.appending(path: "lib/lib\(name).so").path
            _ = unsafe try Self.open(path) { TorchError.unopened(name, installation, reason: $0) }
        }
        let handle = unsafe try Self.open(shim.path) { TorchError.unopenedShim(shim, installation, reason: $0) }
        unsafe functions = try Self.functions(of: handle, shim: shim, installation)
        self.thread = thread ?? TorchThread()
    }

    /// Opens a library so that what is opened later sees its symbols.
    static func open(
        _ path: String, _ error: (_ reason: String) -> TorchError
    ) throws(TorchError) -> UnsafeMutableRawPointer {
        // RTLD_DEEPBIND: libtorch has a BLAS of its own with OpenBLAS's names, and each must call itself.
        #if os(Linux)
            let flags = RTLD_NOW | RTLD_GLOBAL | 0x8
        #else
            let flags = RTLD_NOW | RTLD_GLOBAL
        #endif
        guard let handle = unsafe dlopen(path, flags) else {
            throw error(unsafe dlerror().map { unsafe String(cString: $0) } ?? "no reason given")
        }
        return unsafe handle
    }

    private static func functions(
        of handle: UnsafeMutableRawPointer, shim: URL, _ installation: TorchInstallation
    ) throws(TorchError) -> torch_functions {
        guard let symbol = unsafe dlsym(handle, "detdiffusion_torch_functions") else {
            throw TorchError(
                "\(shim.path): expected the shim of libtorch, found another library; \(TorchShim.fix(installation))")
        }
        let function = unsafe unsafeBitCast(symbol, to: torch_functions_symbol.self)
        guard let table = unsafe function() else {
            throw TorchError("\(shim.path): the shim has no functions; \(TorchShim.fix(installation))")
        }
        // A shim of an earlier package may have a shorter table: nothing behind these two numbers is read before they fit.
        guard unsafe table.pointee.version == TORCH_TABLE_VERSION,
            unsafe Int(table.pointee.size) >= MemoryLayout<torch_functions>.size
        else {
            throw TorchError(
                "\(shim.path): expected a shim of table version \(TORCH_TABLE_VERSION), found "
                    + "\(unsafe table.pointee.version); \(TorchShim.fix(installation))")
        }
        let functions = unsafe table.pointee
        let (compiled, running) = (functions.compiled_abi(), functions.running_abi())
        guard compiled == running else {
            throw TorchError(
                "\(shim.path): expected a shim for torch \(abiText(running)), found one that was compiled for "
                    + "\(abiText(compiled)); \(TorchShim.fix(installation))")
        }
        return functions
    }

    /// Major, minor and patch in the first three bytes, a tag in the last.
    static func abiText(_ number: UInt64) -> String {
        let tag = number & 0xFF_FFFF
        return "\(number >> 56).\(number >> 48 & 0xFF).\(number >> 40 & 0xFF)" + (tag == 0 ? "" : " (ABI tag \(tag))")
    }

    /// Calls a function that tells how it ended.
    func call(_ body: () -> Int32) throws(DeviceError) {
        try call(body) { unsafe String(cString: functions.message()!) }
    }

    /// The same of another library's.
    /// - Parameter message: tells why the last call failed.
    func call(_ body: () -> Int32, message: () -> String) throws(DeviceError) {
        try thread.run { () throws(DeviceError) in
            let code = body()
            if code == torch_done { return }
            throw DeviceError(Self.code(code), Self.reason(message()))
        }
    }

    private static func code(_ number: Int32) -> DeviceError.Code {
        switch Int(number) {
        case torch_out_of_memory: .outOfMemory
        case torch_lost: .lost
        default: .failed
        }
    }

    /// What libtorch says, without where it was compiled.
    private static func reason(_ message: String) -> String {
        let lines = message.split(separator: "\n").prefix { !$0.hasPrefix("Exception raised from") }
        return "libtorch: " + lines.prefix(2).joined(separator: " ")
    }
}
