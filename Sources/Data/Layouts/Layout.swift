// A layout: what one generated image shall contain, in the pixels of the original image.

/// One object of a layout.
public struct LayoutObject: Hashable, Sendable {
    /// The annotation that it comes from.
    public var annotationID: Int
    /// Its category's id.
    public var categoryID: Int
    /// Its category's name as in the annotation file.
    public var category: String
    /// Its box in pixels of the original image, clipped to it.
    public var box: Box
    /// How hard it is for the detector.
    public var attribute: Attribute

    /// Makes an object.
    public init(annotationID: Int, categoryID: Int, category: String, box: Box, attribute: Attribute) {
        self.annotationID = annotationID
        self.categoryID = categoryID
        self.category = category
        self.box = box
        self.attribute = attribute
    }
}

/// What one generated image shall contain: the kept objects of one annotated image.
public struct Layout: Hashable, Sendable {
    /// COCO's image id.
    public var imageID: Int
    /// The original image's file name.
    public var fileName: String
    /// The original image's width in pixels.
    public var width: Int
    /// The original image's height in pixels.
    public var height: Int
    /// The objects in prompt order.
    public var objects: [LayoutObject]

    /// Makes a layout.
    public init(imageID: Int, fileName: String, width: Int, height: Int, objects: [LayoutObject]) {
        self.imageID = imageID
        self.fileName = fileName
        self.width = width
        self.height = height
        self.objects = objects
    }

    /// The objects' boxes in a generated image of `inWidth` x `height` pixels: scaled by (sx, sy), then clipped
    /// to its frame.
    ///
    /// The aspect ratio is not kept, as in the paper.
    public func boxes(inWidth newWidth: Int, height newHeight: Int) -> [Box] {
        precondition(newWidth > 0 && newHeight > 0, "a generated image has an extent")
        return objects.map { $0.box.fitted(from: width, height, into: newWidth, newHeight) }
    }
}
