// A class of objects, by its id and name in an annotation file.

/// A category of a COCO file.
public struct Category: Hashable, Sendable {
    /// The id in the file; COCO's own are not consecutive, other sets count from 0.
    public var id: Int
    /// The name as in the file, for example `traffic light` or `playingfield`.
    public var name: String
    /// Whether it is stuff (cocostuff) and not a thing that detectors name.
    public var isStuff: Bool
    /// The group that the file sorts it into, as `vehicle` of `car`; nil where the file has none.
    public var supercategory: String?

    /// Makes a category.
    public init(id: Int, name: String, isStuff: Bool = false, supercategory: String? = nil) {
        self.id = id
        self.name = name
        self.isStuff = isStuff
        self.supercategory = supercategory
    }

    /// How the category stands in a prompt: lower case, `-` replaced by a space (GeoDiffusion's form).
    public var promptText: String { String(name.lowercased().map { $0 == "-" ? " " : $0 }) }

    /// A token of prompts that the name holds, for example `[easy]` or `<l7>`; nil for a name that holds none.
    ///
    /// Such a name would say something about another object, or another place, in every prompt that it stands in.
    public var promptToken: String? {
        promptText.firstMatch(of: /\[(easy|hard|background)\]|<l[0-9]+>|<\|(startoftext|endoftext)\|>/).map {
            String($0.output.0)
        }
    }
}

extension Category: Codable {
    enum CodingKeys: String, CodingKey { case id, name, isStuff, supercategory }

    /// Decodes a category; one that was written without the key `supercategory` has COCO's, where it is COCO's own.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Int.self, forKey: .id)
        name = try container.decode(String.self, forKey: .name)
        isStuff = try container.decode(Bool.self, forKey: .isStuff)
        supercategory = try container.decodeIfPresent(String.self, forKey: .supercategory)
        // Catalogues from before the groups were recorded lack the key; where there is no group, it is null.
        if !container.contains(.supercategory) { supercategory = CocoCategories.supercategory(of: self) }
    }

    /// Encodes all four keys; `supercategory` is null where there is none.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(isStuff, forKey: .isStuff)
        try container.encode(supercategory, forKey: .supercategory)
    }
}
