// COCO annotation files as compact values: images, boxes and categories, without the polygons.

/// An image of a COCO file.
public struct AnnotatedImage: Hashable, Sendable, Codable {
    /// COCO's image id.
    public var id: Int
    /// The file's name, for example `000000000139.jpg`.
    public var fileName: String
    /// Width in pixels, at least 1.
    public var width: Int
    /// Height in pixels, at least 1.
    public var height: Int

    /// Makes an image's record.
    public init(id: Int, fileName: String, width: Int, height: Int) {
        self.id = id
        self.fileName = fileName
        self.width = width
        self.height = height
    }
}

/// One annotated object of a COCO file.
public struct Annotation: Hashable, Sendable {
    /// COCO's annotation id.
    public var id: Int
    /// The image it belongs to.
    public var imageID: Int
    /// Its category's id.
    public var categoryID: Int
    /// Its box in pixels as the file has it, not clipped.
    public var box: Box
    /// The area of its mask in square pixels, as the file has it.
    public var area: Double
    /// Whether the box stands for a crowd of objects.
    public var isCrowd: Bool
    /// Whether the file asks to leave it out (`"ignore": 1`, as CrowdHuman and CityPersons mark regions).
    public var isIgnored: Bool

    /// Makes an annotation.
    public init(
        id: Int, imageID: Int, categoryID: Int, box: Box, area: Double, isCrowd: Bool = false, isIgnored: Bool = false
    ) {
        self.id = id
        self.imageID = imageID
        self.categoryID = categoryID
        self.box = box
        self.area = area
        self.isCrowd = isCrowd
        self.isIgnored = isIgnored
    }
}

/// The contents of a COCO annotation file, in file order; read one with ``read(path:isStuff:)``.
public struct AnnotationSet: Sendable {
    /// The images.
    public var images: [AnnotatedImage]
    /// The annotations; each names an image and a category of this set.
    public var annotations: [Annotation]
    /// The categories.
    public var categories: [Category]
    /// What its boxes look like, those of crowds and of regions to be ignored left out; known of sets that were read.
    public internal(set) var boxes = BoxSurvey()

    /// Makes a set from its parts, which are taken as they are.
    public init(images: [AnnotatedImage], annotations: [Annotation], categories: [Category]) {
        self.images = images
        self.annotations = annotations
        self.categories = categories
    }
}
