// Which pictures, and the ids of their images.

import Console
import ErrorLines
import Files
import Foundation
import Layouts

/// The pictures of a folder, or one.
struct PictureList: Sendable {
    /// A picture's file.
    struct Picture: Sendable {
        var id: Int
        var path: String
        /// The file's name without its extension.
        var stem: String
    }

    /// In the order of their ids.
    let all: [Picture]

    /// - Parameter annotations: where ids stand beside file names.
    init(path: String, annotations: AnnotationSet?) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw CommandError(.noInput, "--images: expected a picture or a folder at \(path), found none")
        }
        let paths: [String]
        if isFolder.boolValue {
            paths = try Self.names(in: path).filter(Self.isPicture).sorted().map { "\(path)/\($0)" }
            guard !paths.isEmpty else {
                throw CommandError(.noInput, "--images: expected .png, .jpg or .jpeg files in \(path), found none")
            }
        } else {
            paths = [path]
        }
        let ids = annotations.map { set in
            Dictionary(set.images.map { (Self.name(of: $0.fileName), $0.id) }) { first, _ in first }
        }
        all = try paths.map { try Self.picture($0, ids: ids) }.sorted { ($0.id, $0.path) < ($1.id, $1.path) }
        if let double = zip(all, all.dropFirst()).first(where: { $0.id == $1.id }) {
            throw CommandError(
                .data,
                "--images: expected one picture for each image id, found \(double.0.path) and \(double.1.path) for "
                    + "\(double.0.id); give --annotations, or move one away")
        }
    }

    private static func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw CommandError(
                .noInput, "--images: expected a folder that this user may list, found \(error.localizedDescription)")
        }
    }

    private static func isPicture(_ name: String) -> Bool {
        ["png", "jpg", "jpeg"].contains(URL(fileURLWithPath: name).pathExtension.lowercased())
    }

    private static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private static func picture(_ path: String, ids: [String: Int]?) throws -> Picture {
        let name = name(of: path)
        let stem = URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent
        if let ids {
            guard let id = ids[name] else {
                throw CommandError(
                    .data, "--annotations: expected an image with the file name \(ErrorLine.quoted(name)), found none")
            }
            return Picture(id: id, path: path, stem: stem)
        }
        let digits = String(stem.reversed().prefix { $0.isASCII && $0.isNumber }.reversed())
        guard let id = Int(digits) else {
            throw CommandError(
                .data,
                "\(path): expected a file name that ends with its image's id, as 000000000139.jpg, found none; give "
                    + "--annotations with the ids of the file names")
        }
        return Picture(id: id, path: path, stem: stem)
    }

    /// Asked before minutes of computing.
    func requireFolder(of path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw CommandError(.cannotWrite, "\(path): expected a folder that can be written, found none at \(folder)")
        }
        var isFolder: ObjCBool = false
        guard !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) || !isFolder.boolValue else {
            throw CommandError(.cannotWrite, "--out \(path): expected a file to write, found a folder; name a file")
        }
    }

    /// Makes the folder of the drawings; not the pictures' own, where a drawing would replace the picture of its name.
    func makeFolder(_ path: String) throws {
        func resolved(_ folder: URL) -> String { folder.standardizedFileURL.resolvingSymlinksInPath().path }
        let folder = resolved(URL(fileURLWithPath: path))
        guard !all.contains(where: { resolved(URL(fileURLWithPath: $0.path).deletingLastPathComponent()) == folder })
        else {
            throw CommandError(
                .usage, "--draw: expected another folder than the pictures', found \(path); name another one")
        }
        let byStem = Dictionary(grouping: all, by: \.stem)
        if let doubles = byStem.values.first(where: { $0.count > 1 }) {
            throw CommandError(
                .data,
                "--draw: expected each picture's name once, since drawings bear it, found \(doubles[0].path) and "
                    + "\(doubles[1].path); move one away")
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CommandError(
                .cannotWrite, "--draw \(path): expected a folder that can be made, found \(error.localizedDescription)")
        }
    }
}
