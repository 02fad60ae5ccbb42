// The index file of weights in several shards.

import ErrorLines
import JSON

/// Which shard holds which tensor, as NAME.safetensors.index.json says under `weight_map`.
struct ShardIndex {
    /// The index file.
    let path: String
    private var namesByShard: [String: [String]] = [:]

    /// The shards' file names, sorted.
    var shards: [String] { namesByShard.keys.sorted() }

    /// The tensors that `shard` must hold.
    func names(in shard: String) -> [String] { namesByShard[shard, default: []].sorted() }

    /// Reads the index; it must name at least one shard, all in its own folder.
    init(path: String) throws(WeightError) {
        let file = try MappedFile(path: path)
        guard file.count <= SafetensorsReader.headerLimit else {
            throw .content(
                path, "index", expected: "at most \(SafetensorsReader.headerLimit) bytes", found: "\(file.count)")
        }
        self.path = path
        var index = JSONReader<WeightError>(
            file.copy(0..<file.count), path: path, part: "index", fix: WeightError.again)
        try index.members { (index, key) throws(WeightError) in
            if key == "weight_map" { try readMap(&index) } else { try index.skip() }
        }
        try index.finish()
        guard !namesByShard.isEmpty else {
            throw .content(path, "index", expected: "a 'weight_map' that names shards", found: "none")
        }
    }

    private mutating func readMap(_ index: inout JSONReader<WeightError>) throws(WeightError) {
        var seen: Set<String> = []
        try index.members { (index, name) throws(WeightError) in
            let shard = try index.text()
            guard seen.insert(name).inserted else {
                throw .content(
                    path, "tensor \(ErrorLine.quoted(name))", expected: "each name once", found: "it twice",
                    fix: "download the index again")
            }
            guard WeightError.isPlain(shard), shard != ".", shard != "..", !shard.utf8.contains(UInt8(ascii: "/"))
            else {
                throw .content(
                    path, "tensor \(ErrorLine.quoted(name))", expected: "the name of a shard in the index's folder",
                    found: ErrorLine.quoted(shard), fix: "use an index whose shards lie beside it")
            }
            namesByShard[shard, default: []].append(name)
        }
    }
}
