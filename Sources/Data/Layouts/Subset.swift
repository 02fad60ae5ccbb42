// A subset of COCO: the images that the rules keep, each with its kept objects.

/// An annotation that the rules keep.
public struct SelectedObject: Hashable, Sendable {
    /// The annotation with its box as the file has it.
    public var annotation: Annotation
    /// Its category.
    public var category: Category
    /// Its box clipped to the image, in pixels.
    public var box: Box
}

/// An image that the rules keep.
public struct SelectedImage: Hashable, Sendable {
    /// The image.
    public var image: AnnotatedImage
    /// Its kept objects: things in file order, then stuff in file order.
    public var objects: [SelectedObject]
}

/// What the rules dropped; each annotation and image is counted under the first rule that it fails.
public struct SubsetDrops: Hashable, Sendable, Codable {
    /// Dropped annotations in rule order, zeros included.
    public var annotations: [RuleCount]
    /// Dropped images in rule order, zeros included.
    public var images: [RuleCount]

    /// How many annotations or images `rule` dropped.
    public func count(of rule: DropReason) -> Int {
        (annotations + images).first { $0.rule == rule }?.count ?? 0
    }
}

/// The images and objects that a protocol keeps of annotation files, with what it dropped; made by `select`.
public struct Subset: Sendable {
    /// The rules that were applied.
    public var rules: SubsetRules
    /// The kept images in the order of the things file.
    public var images: [SelectedImage]
    /// What was dropped; drops and kept objects together are all annotations that were given.
    public var drops: SubsetDrops
    /// Every category of the files, things first, in file order.
    public var categories: [Category]

    /// Number of kept objects.
    public var objectCount: Int { images.reduce(0) { $0 + $1.objects.count } }
}
