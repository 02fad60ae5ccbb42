// The bundled example set: COCO annotations of images that nobody drew, from a seed.

import Foundation

/// Generator of annotation files in COCO's format, the same bytes for the same seed on every platform.
///
/// Every rule of ``Subset`` finds something to drop: crowds, small, degenerate and outside boxes, images with too few
/// and too many objects and with a side under 32 pixels. All 80 categories occur, with COCO's ids. Nothing is taken
/// from COCO's images.
public enum ExampleSet {
    /// Images of COCO's train2017.
    public static let trainImages = 118_287
    /// Annotations of COCO's train2017.
    public static let trainAnnotations = 860_001

    /// The example set: a whole annotation file as UTF-8 JSON.
    public static func generate(seed: UInt64, images: Int = 200) -> [UInt8] {
        precondition(images >= 0, "an example set has no negative number of images")
        var bytes: [UInt8] = []
        let writer = ExampleWriter(seed: seed, images: images, annotations: nil, longPolygons: false)
        writer.write { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Writes a file as large as train2017's annotations (about 450 MB by default) in constant memory, for benchmarks.
    ///
    /// Throws when the file cannot be created or written.
    public static func generateLarge(
        path: String, seed: UInt64, images: Int = trainImages, annotations: Int = trainAnnotations
    ) throws(LayoutError) {
        precondition(images > 0 && annotations >= 0, "a large set has images")
        let partial = path + ".partial"
        guard let file = unsafe fopen(partial, "wb") else { throw writeError(path, errno) }
        let writer = ExampleWriter(seed: seed, images: images, annotations: annotations, longPolygons: true)
        var failure: LayoutError?
        do throws(LayoutError) {
            try writer.write { piece throws(LayoutError) in
                guard unsafe fwrite(piece, 1, piece.count, file) == piece.count else { throw writeError(path, errno) }
            }
        } catch {
            failure = error
        }
        if unsafe fclose(file) != 0, failure == nil { failure = writeError(path, errno) }
        if failure == nil, unsafe rename(partial, path) != 0 { failure = writeError(path, errno) }
        if let failure {
            unsafe unlink(partial)
            throw failure
        }
    }

    private static func writeError(_ path: String, _ number: Int32) -> LayoutError {
        let reason = unsafe String(cString: strerror(number))
        return LayoutError(
            .file, "cannot write the example set to \(path): \(reason); choose a folder with room for it")
    }
}
