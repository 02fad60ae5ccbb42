// What `torch.save` writes since torch 1.6: a zip of a pickle and one entry for each storage.

import ErrorLines

/// Reads the tensors of a torch file: NAME/data.pkl says which there are, NAME/data/KEY holds a storage's numbers.
struct TorchReader {
    /// The most bytes of a pickle; one of 1,100 tensors takes about 150 KB.
    private static let pickleLimit = 64 << 20

    private let file: MappedFile
    private let zip: StoredZip
    /// The folder that all of the zip's names begin with, with its slash.
    private let folder: String

    /// Reads the zip's directory and finds the pickle in it.
    init(_ file: MappedFile) throws(WeightError) {
        self.file = file
        zip = try StoredZip(file)
        let folders = zip.entries.keys.compactMap { name in
            name.hasSuffix("/data.pkl") && name.utf8.count { $0 == UInt8(ascii: "/") } == 1
                ? String(name.dropLast("data.pkl".count)) : nil
        }
        guard folders.count == 1, let folder = folders.first else {
            throw .unsupported(
                file.path, "expected a torch file with one NAME/data.pkl, found a zip with \(folders.count) of them",
                fix: "give what torch.save(model.state_dict(), path) writes")
        }
        self.folder = folder
        guard zip.entries[folder + "constants.pkl"] == nil else {
            throw .unsupported(
                file.path, "expected weights, found a TorchScript program",
                fix: "save the weights alone: torch.save(torch.jit.load(path).state_dict(), path)")
        }
    }

    /// The tensors by name.
    func entries() throws(WeightError) -> [String: WeightEntry] {
        try checkByteOrder()
        let pickle = try record("data.pkl")
        guard pickle.count <= Self.pickleLimit else {
            throw .content(
                file.path, "data.pkl", expected: "at most \(Self.pickleLimit) bytes", found: "\(pickle.count)",
                fix: "save the weights alone: torch.save(model.state_dict(), path)")
        }
        var unpickler = Unpickler(file.copy(pickle), reader: self)
        let root = try unpickler.run()
        return try StateDictionary(unpickler, path: file.path, size: file.count).entries(of: root)
    }

    /// The path, for messages.
    var path: String { file.path }

    /// Where the numbers of the storage `key` begin in the file; checks that there are `count` of them.
    func storage(_ key: String, count: Int, format: NumberFormat) throws(WeightError) -> Int {
        let range = try record("data/" + key)
        let (bytes, overflows) = count.multipliedReportingOverflow(by: format.byteCount)
        guard count >= 0, !overflows, bytes == range.count else {
            throw .content(
                file.path, "storage \(ErrorLine.quoted(key))", expected: "\(count) numbers of \(format)",
                found: "\(range.count) bytes")
        }
        return range.lowerBound
    }

    private func record(_ name: String) throws(WeightError) -> Range<Int> {
        guard let range = zip.entries[folder + name] else {
            throw .content(
                file.path, "zip", expected: "an entry \(ErrorLine.quoted(folder + name))", found: "none")
        }
        return range
    }

    private func checkByteOrder() throws(WeightError) {
        guard let range = zip.entries[folder + "byteorder"] else { return }
        let order = String(decoding: file.copy(range.prefix(16)), as: UTF8.self)
        guard order == "little" else {
            throw .unsupported(
                file.path, "expected byte order 'little', found \(ErrorLine.quoted(order))",
                fix: "save the weights again on a little-endian machine")
        }
    }
}
