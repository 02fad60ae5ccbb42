// A weight file: tensors by name.

/// A memory-mapped file of named tensors: safetensors, or what `torch.save` writes (a zip that holds a pickle).
///
/// Opening reads the header only, and checks that every tensor's numbers are in the file. Processes that open the same
/// file share its pages. Files are little-endian, as all common machines are.
public final class WeightFile: Sendable {
    /// Where the file is, as the caller gave it.
    public let path: String
    /// Its tensors.
    public let entries: [String: WeightEntry]
    /// What a safetensors header says about the file; empty for torch's files.
    public let metadata: [String: String]
    /// Its bytes.
    let file: MappedFile

    /// Opens the file and reads its header; contents, not the name's extension, tell the two kinds apart.
    ///
    /// - Throws: ``WeightError`` when the file cannot be mapped, is damaged, or is of a kind that is not read.
    public init(path: String) throws(WeightError) {
        let file = try MappedFile(path: path)
        switch try FileKind(of: file) {
        case .safetensors:
            let reader = try SafetensorsReader(file)
            (entries, metadata) = (reader.entries, reader.metadata)
        case .torchArchive:
            (entries, metadata) = (try TorchReader(file).entries(), [:])
        }
        self.path = path
        self.file = file
        try requireReadable()
    }

    /// The file when it was opened; its header was read afterwards.
    public var identity: FileIdentity { file.identity }

    /// The file now: another identity means that somebody wrote to it, or removed it.
    ///
    /// - Throws: ``WeightError`` where its file system has lost it.
    public func currentIdentity() throws(WeightError) -> FileIdentity { try file.currentIdentity() }

    /// Whether all that was read of the file, by anybody who uses this object, came from the file.
    ///
    /// Reading never fails on the spot: what a shortened file or an ill disc does not give any more is read as zeros. So ask
    /// after reading, and before the result is used.
    public var isReadable: Bool { !file.isDamaged }

    /// Throws ``WeightError`` unless the file ``isReadable``.
    public func requireReadable() throws(WeightError) {
        guard file.isDamaged else { return }
        let size = try currentIdentity().size
        throw .content(
            path, "file", expected: "\(file.count) bytes, as when it was opened",
            found: size == file.count ? "some that its disc does not give" : "\(size)",
            fix: size == file.count
                ? "check the disc" : "restore the file, and replace such files by renaming others over them")
    }

    /// Reads the file's bytes as they are now, header and all, and not by way of memory: from `offset` on, as many as
    /// there are and fit.
    /// - Returns: how many, 0 at the file's end.
    public func read(at offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(WeightError) -> Int {
        unsafe try file.read(at: offset, into: bytes)
    }

    /// Lends the entry's numbers as bytes in its own format, row after row; a copy only where ``WeightEntry/isDense`` is
    /// false. The pointer is valid within `body`.
    public func withBytes<Result>(
        of entry: WeightEntry, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        precondition(entries[entry.name] == entry, "the entry is one of this file's")
        guard let strides = entry.placement.strides else {
            let start = entry.placement.offset
            return try unsafe body(file.view(start..<start + entry.byteCount))
        }
        let gathered = Gathering.bytes(of: entry, strides: strides, in: file)
        return try unsafe gathered.withUnsafeBytes(body)
    }

    /// The entry's numbers in place: not nil when they are dense float32 at a multiple of 4 bytes. The pointer is valid
    /// while this object lives.
    public func mappedFloats(of entry: WeightEntry) -> UnsafePointer<Float>? {
        guard entry.format == .float32, entry.isDense, entry.placement.offset.isMultiple(of: 4) else { return nil }
        return unsafe withBytes(of: entry) { bytes in
            unsafe bytes.baseAddress?.assumingMemoryBound(to: Float.self)
        }
    }

    /// The entry's numbers as float32, row after row, converted exactly as torch's `.float()` does.
    public func floats(of entry: WeightEntry) -> [Float] {
        unsafe [Float](unsafeUninitializedCapacity: entry.count) { floats, initialized in
            unsafe convert(entry, into: floats)
            initialized = entry.count
        }
    }

    /// Writes the entry's numbers as ``floats(of:)`` gives them into memory of the caller's, that has room for them.
    ///
    /// The caller's memory may be uninitialized. Fresh memory costs more than the conversion: reuse it where speed counts.
    public func convert(_ entry: WeightEntry, into floats: UnsafeMutableBufferPointer<Float>) {
        precondition(floats.count >= entry.count, "the numbers fit")
        guard entry.count > 0, let target = floats.baseAddress else { return }
        unsafe withBytes(of: entry) { bytes in
            guard let source = bytes.baseAddress else { return }
            unsafe FloatConversion.convert(source, entry.format, into: target, count: entry.count)
        }
    }
}
