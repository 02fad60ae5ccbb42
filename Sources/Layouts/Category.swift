// A class of objects, by COCO's id and name.

/// A category of a COCO file.
public struct Category: Hashable, Sendable, Codable {
    /// The id in the file; COCO's own are not consecutive.
    public var id: Int
    /// The name as in the file, for example `traffic light` or `playingfield`.
    public var name: String
    /// Whether it is stuff (cocostuff) and not a thing that detectors name.
    public var isStuff: Bool

    /// Makes a category.
    public init(id: Int, name: String, isStuff: Bool = false) {
        self.id = id
        self.name = name
        self.isStuff = isStuff
    }

    /// How the category stands in a prompt: lower case, `-` replaced by a space (GeoDiffusion's form).
    public var promptText: String { String(name.lowercased().map { $0 == "-" ? " " : $0 }) }
}
