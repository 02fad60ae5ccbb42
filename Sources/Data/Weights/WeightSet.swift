// The weights of one part of a model, in one file or several.

import ErrorLines
import Foundation

/// A part's tensors: those of a single file, or of the shards that an index file lists.
public struct WeightSet: Sendable {
    /// The opened files, in the order of their names.
    public let files: [WeightFile]
    /// The file of each tensor, as an index into `files`.
    private let fileOf: [String: Int]

    /// The names of all tensors, sorted.
    public var names: [String] { fileOf.keys.sorted() }

    /// Opens the weights in a folder: the first of the library's ``WeightLibrary/candidates`` that is there.
    ///
    /// - Throws: ``WeightError``, with the code ``WeightError/Code/missing`` when none is there.
    public init(folder: String, library: WeightLibrary) throws(WeightError) {
        for name in library.candidates where try FilePresence.isThere("\(folder)/\(name)") {
            if name.hasSuffix(".json") {
                try self.init(index: ShardIndex(path: "\(folder)/\(name)"), folder: folder)
            } else {
                try self.init(files: [WeightFile(path: "\(folder)/\(name)")])
            }
            return
        }
        throw WeightError(
            .missing,
            "\(WeightError.shown(folder)): expected one of \(library.candidates.joined(separator: ", ")), found "
                + "\(Self.neighbors(in: folder)); check the checkpoint's folder or download the file")
    }

    private init(index: ShardIndex, folder: String) throws(WeightError) {
        var files: [WeightFile] = []
        for shard in index.shards {
            guard try FilePresence.isThere("\(folder)/\(shard)") else {
                throw .content(
                    index.path, "shard \(ErrorLine.quoted(shard))", expected: "it beside the index",
                    found: "no such file",
                    fix: "download the missing file")
            }
            files.append(try WeightFile(path: "\(folder)/\(shard)"))
        }
        for (number, shard) in index.shards.enumerated() {
            let missing = index.names(in: shard).filter { files[number].entries[$0] == nil }
            guard missing.isEmpty else {
                throw .content(
                    index.path, "shard \(ErrorLine.quoted(shard))", expected: WeightError.list(missing) + " in it",
                    found: "none of that name", fix: "download the index and its shards again")
            }
        }
        try self.init(files: files)
    }

    private init(files: [WeightFile]) throws(WeightError) {
        var fileOf: [String: Int] = [:]
        for (number, file) in files.enumerated() {
            for name in file.entries.keys.sorted() {
                guard let earlier = fileOf.updateValue(number, forKey: name) else { continue }
                throw .content(
                    file.path, "tensor \(ErrorLine.quoted(name))", expected: "each name in one shard",
                    found: "it in \(WeightError.shown(files[earlier].path)) too",
                    fix: "download the index and its shards again")
            }
        }
        self.files = files
        self.fileOf = fileOf
    }

    /// The tensor `name` and the file that holds it; nil when there is none.
    public func find(_ name: String) -> (file: WeightFile, entry: WeightEntry)? {
        guard let number = fileOf[name], let entry = files[number].entries[name] else { return nil }
        return (files[number], entry)
    }

    /// What is in the folder, for a message.
    private static func neighbors(in folder: String) -> String {
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            return names.isEmpty ? "an empty folder" : "only \(WeightError.list(names))"
        } catch {
            return "no folder that can be read"
        }
    }
}
