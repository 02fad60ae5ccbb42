// What kind of weight file it is, by its first bytes.

/// The kinds of weight file that are read.
enum FileKind {
    case safetensors
    case torchArchive

    /// Judges by contents; what is neither is treated as safetensors, unless it is known what it is.
    init(of file: MappedFile) throws(WeightError) {
        let head = file.copy(0..<min(file.count, 16))
        // A header always begins with '{', where a zip has its compression method: this cannot be a zip.
        if head.count > 8, head[8] == UInt8(ascii: "{"), head.uint64(at: 0) <= SafetensorsReader.headerLimit {
            self = .safetensors
            return
        }
        if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) {
            self = .torchArchive
            return
        }
        if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) {
            throw .unsupported(
                file.path, "expected a torch zip pickle, found a bare pickle, as torch before 1.6 wrote it",
                fix: "save it again: torch.save(torch.load(path, weights_only=True), path)")
        }
        if head.starts(with: Array("version https://".utf8)) {
            throw .unsupported(
                file.path, "expected weights, found a Git LFS pointer to them", fix: "fetch the file: git lfs pull")
        }
        self = .safetensors
    }
}
