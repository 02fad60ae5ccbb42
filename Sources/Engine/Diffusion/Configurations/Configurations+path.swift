// The parts' configurations, each by the path of its file.

extension TextEncoderConfiguration {
    /// Reads a text encoder's config.json.
    /// - Throws: ``CheckpointError`` naming the file and the key.
    public init(path: String) throws(CheckpointError) { try self.init(ConfigurationFile(path: path)) }
}

extension UNetConfiguration {
    /// Reads a U-Net's config.json.
    /// - Throws: ``CheckpointError`` naming the file and the key.
    public init(path: String) throws(CheckpointError) { try self.init(ConfigurationFile(path: path)) }
}

extension AutoencoderConfiguration {
    /// Reads an autoencoder's config.json.
    /// - Throws: ``CheckpointError`` naming the file and the key.
    public init(path: String) throws(CheckpointError) { try self.init(ConfigurationFile(path: path)) }
}
