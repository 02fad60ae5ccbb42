// Ground truths and detections from a seed, with everything that evaluations trip over.

import Foundation

@testable import Layouts

/// One ground truth with detections.
struct RandomCase {
    var truth = AnnotationSet(images: [], annotations: [], categories: [])
    var found: [Detection] = []
    /// Some of the images, where only these are meant.
    var images: [Int]?

    /// Crowds; equal scores; boxes that lie on one another; images without objects, without detections, with more than a
    /// hundred; areas at the ends of the ranges, and areas that are not the boxes'; ids far from 1 to 80, in no order;
    /// categories without objects, and detections of categories that are not there.
    init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        func chance(_ percent: Int) -> Bool { pick(1...100) <= percent }
        let categoryIDs = Set((0..<pick(1...6)).map { _ in pick(0...5000) }).shuffled(using: &random)
        truth.categories = categoryIDs.map { Layouts.Category(id: $0, name: "c\($0)") }
        let imageIDs = Set((0..<pick(1...12)).map { _ in pick(1...900_000) }).shuffled(using: &random)
        truth.images = imageIDs.map { AnnotatedImage(id: $0, fileName: "\($0).jpg", width: 640, height: 480) }
        for image in imageIDs where !chance(15) {
            for _ in 0..<pick(0...12) {
                let box = Self.box(&random)
                let area = chance(20) ? [1024.0, 9216, 0, 1e5][pick(0...3)] : (chance(30) ? box.area * 0.7 : box.area)
                truth.annotations.append(
                    Annotation(
                        id: truth.annotations.count + 1, imageID: image,
                        categoryID: categoryIDs.randomElement(using: &random)!,
                        box: box, area: area, isCrowd: chance(10)))
                if chance(10) {
                    var twin = truth.annotations[truth.annotations.count - 1]
                    twin.id += 1
                    truth.annotations.append(twin)
                }
            }
        }
        for annotation in truth.annotations where chance(80) {
            for _ in 0..<pick(1...3) {
                found.append(
                    Detection(
                        imageID: annotation.imageID, categoryID: chance(90) ? annotation.categoryID : categoryIDs[0],
                        box: Self.near(annotation.box, &random), score: Double(pick(0...20)) / 20))
            }
        }
        // A detector that sees things everywhere, and one category that nobody listed.
        for image in imageIDs where chance(40) {
            for _ in 0..<(chance(25) ? 130 : pick(0...6)) {
                found.append(
                    Detection(
                        imageID: image, categoryID: chance(95) ? categoryIDs[0] : 9999, box: Self.box(&random),
                        score: Double(pick(0...1000)) / 1000))
            }
        }
        if found.isEmpty {
            found = [Detection(imageID: imageIDs[0], categoryID: categoryIDs[0], box: Self.box(&random), score: 0.5)]
        }
        found.shuffle(using: &random)
        if chance(25) { images = imageIDs.filter { _ in chance(60) } + [imageIDs[0]] }
    }

    private static func box(_ random: inout SplitMix64) -> Box {
        let most = [8.0, 32, 40, 96, 120, 400].randomElement(using: &random)!
        // Whole pixels now and then, so that areas meet the ends of the ranges and boxes meet exactly.
        let step = Bool.random(using: &random) ? 1.0 : 0.01
        func number(_ range: ClosedRange<Double>) -> Double {
            (Double.random(in: range, using: &random) / step).rounded() * step
        }
        return Box(x: number(0...200), y: number(0...100), width: number(1...most), height: number(1...most))
    }

    private static func near(_ box: Box, _ random: inout SplitMix64) -> Box {
        let share = [0, 0.02, 0.1, 0.3].randomElement(using: &random)!
        func moved(_ value: Double, by extent: Double) -> Double {
            value + extent * share * Double.random(in: -1...1, using: &random)
        }
        return Box(
            x: moved(box.x, by: box.width), y: moved(box.y, by: box.height), width: moved(box.width, by: box.width),
            height: moved(box.height, by: box.height))
    }

    /// Writes the case into a folder, for the judge.
    func write(to folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let truth: [String: Any] = [
            "images": truth.images.map {
                ["id": $0.id, "file_name": $0.fileName, "width": $0.width, "height": $0.height] as [String: Any]
            },
            "annotations": truth.annotations.map {
                [
                    "id": $0.id, "image_id": $0.imageID, "category_id": $0.categoryID, "bbox": Self.numbers($0.box),
                    "area": $0.area, "iscrowd": $0.isCrowd ? 1 : 0,
                ] as [String: Any]
            },
            "categories": truth.categories.map { ["id": $0.id, "name": $0.name] as [String: Any] },
        ]
        try Self.write(truth, to: folder + "/truth.json")
        try Self.write(
            found.map {
                [
                    "image_id": $0.imageID, "category_id": $0.categoryID, "bbox": Self.numbers($0.box),
                    "score": $0.score,
                ] as [String: Any]
            }, to: folder + "/found.json")
        if let images { try Self.write(images, to: folder + "/images.json") }
    }

    private static func numbers(_ box: Box) -> [Double] { [box.x, box.y, box.width, box.height] }

    private static func write(_ value: Any, to path: String) throws {
        try JSONSerialization.data(withJSONObject: value).write(to: URL(fileURLWithPath: path))
    }
}

/// The judge sees the same files, so it does not matter how the standard library draws.
extension SplitMix64: RandomNumberGenerator {}
