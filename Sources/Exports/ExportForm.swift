// What kinds of export folders there are, and what each of them may hold.

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

    /// Whether an export has an entry of this name.
    func owns(_ name: String) -> Bool {
        switch self {
        case .coco: ["images", "annotations.json"].contains(name) || markers.contains(name)
        case .webdataset: name == marker || name.wholeMatch(of: /[A-Za-z0-9._\-]+-[0-9]{6,}\.tar/) != nil
        }
    }

    /// Entries in the order in which they come to the destination: what completes an export comes last.
    func ordered(_ names: [String]) -> [String] {
        func rank(_ name: String) -> Int { markers.contains(name) ? 2 : (name == "annotations.json" ? 1 : 0) }
        return names.sorted { (rank($0), $0) < (rank($1), $1) }
    }
}
