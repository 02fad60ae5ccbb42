// The generated records on their way into the annotation file.

import Files
import Foundation
import Tasks

/// Two lists of JSON records in files of their own, since a COCO file has all images before all annotations and a job
/// need not fit in memory.
final class RecordFragments {
    /// Images and objects so far.
    private(set) var images = 0
    private(set) var objects = 0
    private var numbering: CocoNumbering
    private let folder: Folder
    private let imageFile: OutputFile
    private let annotationFile: OutputFile
    private static let imageName = "images.fragment"
    private static let annotationName = "annotations.fragment"
    private let encoder = JSONEncoder()

    /// Creates both files in `folder`.
    init(in folder: Folder, numbering: CocoNumbering) throws(ExportError) {
        self.numbering = numbering
        self.folder = folder
        imageFile = try OutputFile(Self.imageName, in: folder)
        annotationFile = try OutputFile(Self.annotationName, in: folder)
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    }

    /// Adds a generated image and its objects.
    func append(_ task: LayoutTask, shard: Int, width: Int, height: Int) throws {
        let records = numbering.records(of: task, shard: shard, width: width, height: height)
        try append(records.image, to: imageFile, isFirst: images == 0)
        images += 1
        for annotation in records.annotations {
            try append(annotation, to: annotationFile, isFirst: objects == 0)
            objects += 1
        }
    }

    private func append(_ record: some Encodable, to file: OutputFile, isFirst: Bool) throws {
        try file.write(isFirst ? "\n" : ",\n")
        try file.write(Array(try encoder.encode(record)))
    }

    /// Closes both files.
    func finish() throws(ExportError) {
        try imageFile.finish()
        try annotationFile.finish()
    }

    /// Copies the images' records, behind a comma when others stand before them.
    func copyImages(to file: OutputFile, isFirst: Bool) throws(ExportError) {
        try copy(Self.imageName, images, to: file, isFirst: isFirst)
    }

    /// Copies the annotations' records, behind a comma when others stand before them.
    func copyAnnotations(to file: OutputFile, isFirst: Bool) throws(ExportError) {
        try copy(Self.annotationName, objects, to: file, isFirst: isFirst)
    }

    private func copy(_ fragment: String, _ count: Int, to file: OutputFile, isFirst: Bool) throws(ExportError) {
        guard count > 0 else { return }
        if !isFirst { try file.write(",") }
        try file.write(contentsOf: try InputFile(fragment, in: folder))
    }

    /// Removes both files.
    func remove() throws(ExportError) {
        do {
            for name in [Self.imageName, Self.annotationName] { try folder.remove(name) }
        } catch {
            throw .system(error)
        }
    }
}
