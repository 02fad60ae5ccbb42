// The records of a COCO annotation file as exports write them.

import Foundation
import Layouts
import Tasks

/// One generated image.
struct CocoImage: Encodable, Hashable {
    var id: Int
    /// Relative to the export's folder of images, and without a folder: converters make `NAME.txt` of it as it is.
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
    /// The annotation file's group; left out where it has none.
    var supercategory: String?

    /// The category as exports list it.
    init(_ category: Layouts.Category) {
        id = category.id
        name = category.name
        supercategory = category.supercategory
    }
}

/// The names of a job's images in an export.
struct ImageNames {
    /// The job's name, which makes images of two jobs of one set different files.
    let job: String

    /// The name of a task's image: `hard-1-000000000139-0.png`.
    func name(of task: LayoutTask) -> String { "\(job)-\(task.key).png" }

    /// Whether a name is one that ``name(of:)`` gives.
    func contain(_ name: String) -> Bool {
        guard name.hasPrefix("\(job)-"), name.hasSuffix(".png") else { return false }
        return LayoutTask.isKey(name.dropFirst(job.count + 1).dropLast(4))
    }
}

/// Gives generated images and objects their ids: counted on from the largest ones of the real set, else from 1.
///
/// Ids begin at 1 since COCOeval takes a matched annotation with id 0 for an unmatched one.
struct CocoNumbering {
    /// How many ids are left at least: more than a job can have.
    private static let room = 1 << 48

    private(set) var nextImageID: Int
    private(set) var nextAnnotationID: Int
    private let names: ImageNames

    /// Begins behind the ids of a real set; throws ``ExportError`` with code `refused` when they leave no room.
    init(_ names: ImageNames, after real: AnnotationSummary? = nil) throws(ExportError) {
        self.names = names
        for (what, id) in [("image", real?.largestImageID ?? 0), ("annotation", real?.largestAnnotationID ?? 0)]
        where id > Int.max - Self.room {
            throw ExportError(
                .refused,
                "cannot number generated images and objects above those of the real set: expected \(what) ids up to "
                    + "\(Int.max - Self.room), found \(id); renumber the real set")
        }
        nextImageID = (real?.largestImageID ?? 0) + 1
        nextAnnotationID = (real?.largestAnnotationID ?? 0) + 1
    }

    /// The records of one generated image of `width` x `height` pixels.
    mutating func records(
        of task: LayoutTask, shard: Int, width: Int, height: Int
    ) -> (image: CocoImage, annotations: [CocoAnnotation]) {
        let image = CocoImage(
            id: nextImageID, file_name: names.name(of: task), width: width, height: height,
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
