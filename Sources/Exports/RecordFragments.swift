// The generated records on their way into the annotation file.

import Foundation
import Tasks

/// Two lists of JSON records in files of their own, since a COCO file has all images before all annotations and a job
/// need not fit in memory.
final class RecordFragments {
    /// Images and objects so far.
    private(set) var images = 0
    private(set) var objects = 0
    private var numbering: CocoNumbering
    private let imageFile: OutputFile
    private let annotationFile: OutputFile
    private let encoder = JSONEncoder()

    /// Creates both files in `folder`.
    init(in folder: String, numbering: CocoNumbering) throws(ExportError) {
        self.numbering = numbering
        imageFile = try OutputFile(path: "\(folder)/images.fragment")
        annotationFile = try OutputFile(path: "\(folder)/annotations.fragment")
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
        try copy(imageFile, images, to: file, isFirst: isFirst)
    }

    /// Copies the annotations' records, behind a comma when others stand before them.
    func copyAnnotations(to file: OutputFile, isFirst: Bool) throws(ExportError) {
        try copy(annotationFile, objects, to: file, isFirst: isFirst)
    }

    private func copy(_ fragment: OutputFile, _ count: Int, to file: OutputFile, isFirst: Bool) throws(ExportError) {
        guard count > 0 else { return }
        if !isFirst { try file.write(",") }
        try file.write(contentsOf: fragment.path)
    }

    /// Removes both files.
    func remove() throws(ExportError) {
        for file in [imageFile, annotationFile] where unlink(file.path) != 0 { throw .system("remove", file.path) }
    }
}
