// Small random checkpoints for the built commands, whole or changed.

public import Foundation

/// A folder with one of the checkpoints that Tests/Engine/DiffusionTests/Golden/write_golden.py wrote with diffusers: a few
/// thousand random weights.
public struct TinyCheckpoint: Sendable {
    /// Stable Diffusion 1.x in small, float32, with 8x8 bins and the attribute tokens.
    public static let sd1 = TinyCheckpoint(folder: golden + "/sd1")
    /// Stable Diffusion 2.x in small, float16.
    public static let sd2 = TinyCheckpoint(folder: golden + "/sd2")
    /// Text encoder and autoencoder of ``sd1`` as torch's pickles under older names; no whole checkpoint.
    public static let legacy = TinyCheckpoint(folder: golden + "/legacy")

    private static let golden = Surroundings.root + "/Tests/Engine/DiffusionTests/Golden"

    /// Where it is.
    public let folder: String

    /// The U-Net's weights of ``sd1``, in the folder.
    public static let unetFile = "unet/diffusion_pytorch_model.safetensors"

    /// Copies this checkpoint to `folder`, where it may be changed.
    public func copy(to folder: String) throws -> TinyCheckpoint {
        try FileManager.default.copyItem(atPath: self.folder, toPath: folder)
        return TinyCheckpoint(folder: folder)
    }

    /// The bytes of one of its files.
    public func contents(of file: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)"))
    }

    /// Writes one of its files.
    public func write(_ contents: Data, to file: String) throws {
        try contents.write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
    }

    /// Replaces the first `old` in one of its files.
    public func replace(_ old: String, by new: String, in file: String) throws {
        var bytes = try contents(of: file)
        guard let range = bytes.range(of: Data(old.utf8)) else {
            throw ProcessFailure("\(file): expected '\(old)', found none")
        }
        bytes.replaceSubrange(range, with: Data(new.utf8))
        try write(bytes, to: file)
    }

    /// Removes one of its files, or a folder of them.
    public func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: "\(folder)/\(file)") }
}
