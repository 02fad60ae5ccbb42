// The three networks of a checkpoint, built together so that one error tells all that is wrong with their weights.

import Networks
import Processors
import Tensors

/// Text encoder, U-Net and autoencoder with their weights.
struct CheckpointNetworks: Sendable {
    let textEncoder: TextEncoder
    let unet: UNet
    let autoencoder: Autoencoder

    /// Builds the networks of `checkpoint`.
    ///
    /// - Parameter loads: whether weights are read; without, they are only held against the configurations.
    /// - Throws: ``CheckpointError`` with every tensor of every part that is missing, unexpected or of another shape.
    init(_ checkpoint: Checkpoint, device: any Device, loads: Bool) throws(CheckpointError) {
        var errors: [NetworkError] = []
        func build<Network>(
            _ part: CheckpointPart, _ naming: WeightNaming, _ make: (WeightScope) -> Network
        ) -> Network {
            let weights = WeightScope(
                part.weights, part: part.name, naming: naming, device: device, loads: loads)
            let network = make(weights)
            do throws(NetworkError) {
                try weights.finish()
            } catch {
                errors.append(error)
            }
            return network
        }
        textEncoder = build(checkpoint.parts[0], TextEncoder.naming) { TextEncoder($0, checkpoint.textEncoder) }
        unet = build(checkpoint.parts[1], WeightNaming()) { UNet($0, checkpoint.unet) }
        autoencoder = build(checkpoint.parts[2], Autoencoder.naming) { Autoencoder($0, checkpoint.autoencoder) }
        guard errors.isEmpty else { throw CheckpointError(errors, folder: checkpoint.folder) }
    }
}

extension Checkpoint {
    /// Computes nothing: networks need a device to be built.
    private static let measuringDevice = CPUDevice(threads: 1)

    /// Holds the headers of all weight files against the configurations; reads no weight.
    func checkWeights() throws(CheckpointError) {
        _ = try CheckpointNetworks(self, device: Self.measuringDevice, loads: false)
    }
}
