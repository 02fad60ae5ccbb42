// The readers of weight files.

import Weights

extension Targets {
    static let safetensors = FuzzTarget(name: "safetensors") { bytes in
        file.write(bytes)
        try checkWeights()
    }

    /// A whole torch file, or what is not one as the pickle in a file with two storages.
    static let torchPickle = FuzzTarget(name: "torch-pickle") { bytes in
        let isZip = bytes.starts(with: [0x50, 0x4B])
        let storages = [24, 64].map { [UInt8](repeating: 0x3C, count: $0) }
        file.write(isZip ? bytes : StoredZipBuilder(pickle: bytes, storages: storages).bytes())
        try checkWeights()
    }

    /// What is accepted can be converted, and is as large as it says.
    private static func checkWeights() throws {
        let weights = try WeightFile(path: file.path)
        var left = 1 << 20
        for (name, entry) in weights.entries {
            expect(name == entry.name && !name.isEmpty, "tensors stand under their names")
            let count = weights.withBytes(of: entry) { $0.count }
            expect(count == entry.byteCount, "a tensor's bytes are all there")
            // Tensors may share a storage: a small file can hold many large ones.
            left -= entry.byteCount
            guard left > 0 else { return }
            expect(weights.floats(of: entry).count == entry.count, "a tensor's numbers are all there")
        }
    }
}
