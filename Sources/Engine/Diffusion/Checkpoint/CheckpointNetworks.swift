// The three networks of a checkpoint, built together so that one error tells all that is wrong with their weights.

import Networks
import Tensors

/// Text encoder, U-Net and autoencoder with their weights.
struct CheckpointNetworks: Sendable {
    let textEncoder: TextEncoder
    let unet: UNet
    let autoencoder: Autoencoder

    /// Builds the networks of `checkpoint`.
    ///
    /// - Parameter device: where the weights go; with `nil` none is read, they are only held against the configurations.
    /// - Throws: ``CheckpointError`` with every tensor of every part that is missing, unexpected or of another shape, or
    ///   when the device could not take them.
    init(_ checkpoint: Checkpoint, device: (any Device)?) throws(CheckpointError) {
        var errors: [NetworkError] = []
        var failure: DeviceError?
        func build<Network>(
            _ part: CheckpointPart, _ naming: WeightNaming, _ make: (WeightScope) -> Network
        ) -> Network {
            let weights = WeightScope(
                part.weights, part: part.name, naming: naming, device: device)
            let network = make(weights)
            failure = failure ?? weights.failure
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
        if let failure {
            throw CheckpointError(
                .device, "\(checkpoint.folder): the device cannot take its weights: \(failure)")
        }
    }
}

extension Checkpoint {
    /// Holds the headers of all weight files against the configurations; reads no weight.
    func checkWeights() throws(CheckpointError) {
        _ = try CheckpointNetworks(self, device: nil)
    }
}
