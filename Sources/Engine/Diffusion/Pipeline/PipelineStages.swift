// The stages of a generation one by one, for timings.

package import Tensors

extension LayoutToImagePipeline {
    /// Encodes `count` prompts at once, `[count, positions, width]`.
    package func encodePrompts(_ count: Int) -> Tensor { textEncoder(Array(repeating: emptyPrompt, count: count)) }

    /// Encodes prompts of padded token ids, `[prompts, positions, width]`.
    package func text(of tokens: [[Int]]) -> Tensor { textEncoder(tokens) }

    /// The U-Net's prediction for latents `[batch, rows, columns, channels]`, with a text for each.
    package func prediction(_ latents: Tensor, timesteps: [Int], text: Tensor) -> Tensor {
        unet(latents, timesteps: timesteps, context: unet.context(text: text), check: {})
    }

    /// Decodes latents `[batch, rows, columns, channels]`.
    package func decode(_ latents: Tensor) -> Tensor { autoencoder.decode(latents, check: {}) }

    /// A guided call of the U-Net for `count` images of `rows` by `columns` latents, two predictions each; keys and values of the
    /// texts are computed before, as for an image.
    package func guidedCall(_ count: Int, rows: Int, columns: Int) -> () -> Tensor {
        let shape = [rows, columns, checkpoint.autoencoder.latentChannels]
        let noise = (0..<count).flatMap { GaussianNoise.latents(seed: UInt64($0), shape: shape) }
        let latents = Tensor(noise, shape: [count] + shape, device: device)
        let context = unet.context(text: encodePrompts(2 * count))
        let timesteps = Array(repeating: 500, count: count)
        return { [unet] in unet(latents, timesteps: timesteps, context: context, check: {}) }
    }

    /// Decodes one image of `rows` by `columns` latents.
    package func decodeCall(rows: Int, columns: Int) -> () -> Tensor {
        let shape = [rows, columns, checkpoint.autoencoder.latentChannels]
        let latents = Tensor(GaussianNoise.latents(seed: 1, shape: shape), shape: [1] + shape, device: device)
        return { [autoencoder] in autoencoder.decode(latents, check: {}) }
    }
}
