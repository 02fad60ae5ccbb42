// One image of the example set with its objects, in whole hundredths of pixels.

/// One generated image: sizes in pixels, boxes in hundredths of a pixel, so that no rounding enters.
struct ExampleImage {
    /// What kind of object is drawn: `empty` has an annotated area of 0, `overlapping` is partly outside its image.
    enum Kind { case ordinary, crowd, small, degenerate, empty, outside, overlapping }

    /// A generated object.
    struct Object {
        var id: Int
        var category: Int
        var kind: Kind
        /// Hundredths of pixels.
        var x, y, width, height: Int
    }

    let index: Int
    let width: Int
    let height: Int
    let objects: [Object]

    /// COCO-like ids with gaps.
    var id: Int { 1000 + index * 7 }
    /// Twelve digits and `.jpg`, as in COCO.
    var fileName: String {
        let digits = String(id)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ".jpg"
    }

    /// Draws image `index`; its first annotation gets the id `firstAnnotation`.
    init(seed: UInt64, index: Int, objectCount: Int?, firstAnnotation: Int) {
        var generator = SplitMix64(seed: seed, index: index)
        let size = Self.size(index: index, using: &generator)
        self.index = index
        (width, height) = size
        let count = objectCount ?? Self.objectCount(using: &generator)
        objects = (0..<count).map { place in
            Self.object(id: firstAnnotation + place, index: index, place: place, in: size, using: &generator)
        }
    }

    /// Mostly COCO's sizes, some odd ones; the fourth image of each 97 is narrower than the subset rules allow.
    private static func size(index: Int, using generator: inout SplitMix64) -> (Int, Int) {
        if index % 97 == 3 { return (30, 45) }
        switch generator.integer(in: 0...9) {
        case 0...4: return (640, 480)
        case 5, 6: return (480, 640)
        case 7: return (500, 375)
        default: return (generator.integer(in: 201...640), generator.integer(in: 201...640))
        }
    }

    /// 0 to 20 objects; about half of all images have a number that the subset rules keep.
    private static func objectCount(using generator: inout SplitMix64) -> Int {
        switch generator.integer(in: 0...19) {
        case 0: 0
        case 1, 2: generator.integer(in: 1...2)
        case 3...15: generator.integer(in: 4...9)
        case 16...18: generator.integer(in: 10...14)
        default: generator.integer(in: 15...20)
        }
    }

    private static func object(
        id: Int, index: Int, place: Int, in size: (width: Int, height: Int), using generator: inout SplitMix64
    ) -> Object {
        let things = CocoCategories.things
        // The first objects walk through all categories so that each occurs; the rest favour persons, as COCO does.
        let isWalk = place == 0 || !generator.chance(percent: 30)
        let category = isWalk ? things[(index + place * 13) % things.count].id : things[0].id
        let kind = kind(place: place, using: &generator)
        let (width, height) = (size.width * 100, size.height * 100)
        var object = Object(id: id, category: category, kind: kind, x: 0, y: 0, width: 0, height: 0)
        let share = kind == .small ? 2...12 : 18...60
        object.width = max(150, width * generator.integer(in: share) / 100 + generator.integer(in: 0...99))
        object.height = max(150, height * generator.integer(in: share) / 100 + generator.integer(in: 0...99))
        object.x = generator.integer(in: 0...max(0, width - object.width))
        object.y = generator.integer(in: 0...max(0, height - object.height))
        switch kind {
        case .degenerate: object.width = generator.integer(in: 0...99)
        case .outside: object.x = width + generator.integer(in: 1...5000)
        case .overlapping: object.x = width - object.width * 2 / 3
        case .ordinary, .crowd, .small, .empty: break
        }
        return object
    }

    private static func kind(place: Int, using generator: inout SplitMix64) -> Kind {
        switch generator.integer(in: 0...99) {
        case 0...2: .crowd
        case 3...17: .small
        case 18: .degenerate
        case 19: .empty
        case 20...21: .outside
        case 22...29: .overlapping
        default: .ordinary
        }
    }
}
