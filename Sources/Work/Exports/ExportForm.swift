// What kinds of export folders there are, and what each of them may hold.

import Files
import Tasks

/// A kind of export.
enum ExportForm: String {
    case coco
    case webdataset

    /// What the marker's key `format` says.
    var format: String { "detdiffusion.export.\(rawValue).v1" }

    /// The file that says that a folder is an export: an ``ExportManifest``.
    ///
    /// A COCO export's has not the ending `.json`: converters to YOLO's labels take each such file for annotations.
    var marker: String {
        switch self {
        case .coco: "export.manifest"
        case .webdataset: "index.json"
        }
    }

    /// The markers of exports that may be replaced, those of earlier versions included.
    var markers: [String] { self == .coco ? [marker, "export.json"] : [marker] }

    /// Whether an export has an entry of this name and kind.
    func owns(_ entry: Folder.Entry) -> Bool {
        let name = entry.name
        switch self {
        case .coco:
            return name == Self.imageFolder
                ? entry.kind == .folder
                : entry.kind == .file && (name == "annotations.json" || markers.contains(name))
        case .webdataset:
            return entry.kind == .file
                && (name == marker || name.wholeMatch(of: /[A-Za-z0-9._\-]+-[0-9]{6,}\.tar/) != nil)
        }
    }

    private static let imageFolder = "images"

    /// The head of the manifest that marks a folder as an export of this form; `nil` for a folder that is none.
    func head(in folder: Folder) -> ExportManifest.Head? {
        markers.lazy.compactMap { ExportManifest.head($0, in: folder) }.first { $0.format == format }
    }

    /// What is in a folder that no export of a job writes, in words; `nil` when there is nothing else. Links, and folders
    /// where files should be, are never an export's own.
    func foreignEntry(in folder: Folder, job: String) throws(ExportError) -> String? {
        try ExportFolder.filing { () throws(FileFailure) in
            let entries = try folder.entries().filter { !["lost+found", ExportFolder.workName].contains($0.name) }
            if let entry = entries.first(where: { !owns($0) }) { return Self.words(entry, in: "") }
            guard entries.contains(where: { $0.name == Self.imageFolder }) else { return nil }
            let images = ImageNames(job: job)
            let entry = try folder.folder(Self.imageFolder).entries().first { entry in
                // Earlier versions left the job's name out.
                let isOurs = images.contain(entry.name) || Self.isPlainImage(entry.name)
                return !isOurs || entry.kind != .file
            }
            return entry.map { Self.words($0, in: Self.imageFolder + "/") }
        }
    }

    private static func isPlainImage(_ name: String) -> Bool {
        name.hasSuffix(".png") && LayoutTask.isKey(name.dropLast(4))
    }

    private static func words(_ entry: Folder.Entry, in folder: String) -> String {
        "'\(folder)\(entry.name)' in it" + (entry.kind == .file ? "" : ", \(entry.kind)")
    }

    /// Entries in the order in which they come to the destination: what completes an export comes last.
    func ordered(_ names: [String]) -> [String] {
        func rank(_ name: String) -> Int { markers.contains(name) ? 2 : (name == "annotations.json" ? 1 : 0) }
        return names.sorted { (rank($0), $0) < (rank($1), $1) }
    }
}
