// Detector results for the bundled example set, so that strategy origin can be tried without a detector.

import JSON

extension ExampleSet {
    /// Results in COCO's format as if a detector had seen the images of the same seed: UTF-8 JSON, the same bytes on
    /// every platform.
    ///
    /// About two thirds of the objects are found (their box shifted by a twentieth, score 0.50 to 0.99); some are
    /// reported with a low score; images without objects have no detection.
    public static func generateDetections(seed: UInt64, images: Int = 200) -> [UInt8] {
        precondition(images >= 0, "an example set has no negative number of images")
        var text = JSONText()
        text.append("[")
        ExampleWriter(seed: seed, images: images, annotations: nil, longPolygons: false).forEachImage { image in
            // A sequence of its own, so that the detections do not repeat the draws of the boxes.
            var generator = SplitMix64(seed: ~seed, index: image.index)
            for (place, object) in image.objects.enumerated() {
                // The first object always gets a box, so that every image with objects is covered.
                let isFound = generator.chance(percent: 65)
                guard isFound || place == 0 || generator.chance(percent: 50) else { continue }
                text.append(text.bytes.count > 1 ? ", " : "")
                append(
                    object, of: image, score: isFound ? generator.integer(in: 50...99) : generator.integer(in: 5...29),
                    to: &text)
            }
        }
        text.append("]\n")
        return text.bytes
    }

    private static func append(
        _ object: ExampleImage.Object, of image: ExampleImage, score: Int, to text: inout JSONText
    ) {
        text.append("{\"image_id\": \(image.id), \"category_id\": \(object.category), \"bbox\": [")
        let numbers = [object.x + object.width / 20, object.y + object.height / 20, object.width, object.height]
        for (place, number) in numbers.enumerated() {
            text.append(place > 0 ? ", " : "")
            ExampleWriter.appendDecimal(number, digits: 2, to: &text)
        }
        text.append("], \"score\": ")
        ExampleWriter.appendDecimal(score, digits: 2, to: &text)
        text.append("}")
    }
}
