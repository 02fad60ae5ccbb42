// CUDA graphs as the optional library offers them.

import CTorch
import Foundation
import Tensors

/// What writes down a device's operations and repeats them. Tests have one that needs no GPU.
protocol TorchGraphs: AnyObject, Sendable {
    /// Begins to write down what the device is told.
    func begin() throws(DeviceError) -> TorchGraph
    /// Ends that.
    func end(_ graph: TorchGraph) throws(DeviceError)
    /// Computes all of it.
    func replay(_ graph: TorchGraph) throws(DeviceError)
    /// Frees it and its memory.
    func release(_ graph: TorchGraph)
}

/// A graph of one device.
@safe struct TorchGraph: @unchecked Sendable {
    // Sendable: an address that only the library's thread follows.
    let address: OpaquePointer?
}

/// The graphs of a GPU.
final class CUDAGraphs: TorchGraphs, @unchecked Sendable {
    // Sendable: constants; the functions are called on the library's thread alone.
    private let library: TorchLibrary
    private let functions: torch_graph_functions
    private let context: torch_context

    static let fileName = "libdetdiffusion-torch-graphs.so"

    /// Opens the library beside the shim; nil where ops/build-torch found no headers of CUDA and made none.
    init?(_ library: TorchLibrary, _ context: torch_context) throws(TorchError) {
        let file = library.shim.deletingLastPathComponent().appending(path: Self.fileName)
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        let installation = library.installation
        let handle = unsafe try TorchLibrary.open(file.path) {
            TorchError.unopenedShim(file, installation, reason: $0)
        }
        guard let symbol = unsafe dlsym(handle, "detdiffusion_torch_graph_functions") else {
            throw TorchError(
                "\(file.path): expected the library of CUDA graphs, found another; \(TorchShim.fix(installation))")
        }
        let function = unsafe unsafeBitCast(symbol, to: torch_graph_functions_symbol.self)
        guard let table = unsafe function(), unsafe table.pointee.version == TORCH_GRAPH_TABLE_VERSION,
            unsafe Int(table.pointee.size) >= MemoryLayout<torch_graph_functions>.size,
            unsafe table.pointee.compiled_abi() == library.functions.running_abi()
        else {
            throw TorchError(
                "\(file.path): expected CUDA graphs for torch \(installation.version), found those of another version; "
                    + TorchShim.fix(installation))
        }
        unsafe functions = table.pointee
        (self.library, self.context) = (library, context)
    }

    func begin() throws(DeviceError) -> TorchGraph {
        var graph: OpaquePointer?
        unsafe try call { context in unsafe functions.begin(context, &graph) }
        return unsafe TorchGraph(address: graph)
    }

    func end(_ graph: TorchGraph) throws(DeviceError) {
        unsafe try call { context in unsafe functions.end(context, graph.address) }
    }

    func replay(_ graph: TorchGraph) throws(DeviceError) {
        unsafe try call { context in unsafe functions.replay(context, graph.address) }
    }

    func release(_ graph: TorchGraph) {
        let functions = functions
        library.thread.post { unsafe functions.release(graph.address) }
    }

    private func call(_ body: (UnsafePointer<torch_context>) -> Int32) throws(DeviceError) {
        try library.call {
            unsafe withUnsafePointer(to: context) { context in unsafe body(context) }
        } message: {
            unsafe String(cString: functions.message()!)
        }
    }
}
