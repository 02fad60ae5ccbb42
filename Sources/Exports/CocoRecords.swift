// The records of a COCO annotation file as exports write them.

import Foundation
import Layouts
import Tasks

/// One generated image.
struct CocoImage: Encodable, Hashable {
    var id: Int
    /// Relative to the export's folder.
    var file_name: String
    var width: Int
    var height: Int
    /// The image that the layout comes from.
    var source_image_id: Int
    var sample: Int
    var seed: UInt64
    var shard: Int
}

/// One object of a generated image.
struct CocoAnnotation: Encodable, Hashable {
    var id: Int
    var image_id: Int
    var category_id: Int
    /// x, y, width, height in pixels of the generated image.
    var bbox: [Double]
    /// Width times height.
    var area: Double
    var iscrowd = 0
    /// The box as a polygon of four corners: readers of masks (torchvision's references, mmdetection's LoadAnnotations
    /// with masks) fail on an empty list, and `annToMask` of this one is the box.
    var segmentation: [[Double]]
    var attribute: Attribute
    /// The annotation that the object comes from.
    var source_annotation_id: Int
}

/// One category of an export.
struct CocoCategory: Encodable, Hashable {
    var id: Int
    var name: String
    /// COCO's group, for COCO's own categories; left out for others.
    var supercategory: String?

    /// The category as exports list it.
    init(_ category: Layouts.Category) {
        id = category.id
        name = category.name
        supercategory = CocoCategories.supercategory(of: category)
    }
}

/// Gives generated images and objects their ids: counted on from the largest ones of the real set, else from 1.
///
/// Ids begin at 1 since COCOeval takes a matched annotation with id 0 for an unmatched one.
struct CocoNumbering {
    private(set) var nextImageID: Int
    private(set) var nextAnnotationID: Int

    /// Begins behind the ids of a real set.
    init(after real: AnnotationSummary? = nil) {
        nextImageID = (real?.largestImageID ?? 0) + 1
        nextAnnotationID = (real?.largestAnnotationID ?? 0) + 1
    }

    /// The records of one generated image of `width` x `height` pixels.
    mutating func records(
        of task: LayoutTask, shard: Int, width: Int, height: Int
    ) -> (image: CocoImage, annotations: [CocoAnnotation]) {
        let image = CocoImage(
            id: nextImageID, file_name: "images/\(task.key).png", width: width, height: height,
            source_image_id: task.layout.imageID, sample: task.sample, seed: task.seed, shard: shard)
        nextImageID += 1
        let boxes = task.layout.boxes(inWidth: width, height: height)
        let annotations = zip(task.layout.objects, boxes).map { object, box in
            defer { nextAnnotationID += 1 }
            return CocoAnnotation(
                id: nextAnnotationID, image_id: image.id, category_id: object.categoryID,
                bbox: [box.x, box.y, box.width, box.height], area: box.area,
                segmentation: [[box.x, box.y, box.maxX, box.y, box.maxX, box.maxY, box.x, box.maxY]],
                attribute: object.attribute, source_annotation_id: object.annotationID)
        }
        return (image, annotations)
    }
}
