// What the boxes of a file look like as a whole: whether they are pixels of their images at all.

/// How many boxes of a file reach outside their image, and how many look like another notation than COCO's.
public struct BoxSurvey: Hashable, Sendable, Codable {
    /// How far beyond its image a box may reach before it counts, in pixels: rounding does that much.
    public static let tolerance = 1.0

    /// Boxes that were looked at: all that have an extent.
    public var boxes = 0
    /// Boxes that reach more than a pixel outside their image.
    public var outside = 0
    /// Boxes whose four numbers lie in 0...1, as fractions of the image do.
    public var fractions = 0
    /// Boxes that reach outside their image and would lie in it if they were corners `[x1, y1, x2, y2]`.
    public var corners = 0

    /// Begins a survey.
    public init() {}

    /// Looks at a box in an image of `width` x `height` pixels.
    public mutating func add(_ box: Box, inWidth width: Double, height: Double) {
        guard box.width > 0, box.height > 0 else { return }
        boxes += 1
        let unit = 0.0...1.0
        if unit.contains(box.x), unit.contains(box.y), box.width <= 1, box.height <= 1 { fractions += 1 }
        let slack = Self.tolerance
        guard box.x < -slack || box.y < -slack || box.maxX > width + slack || box.maxY > height + slack else { return }
        outside += 1
        let corner = Box(x: box.x, y: box.y, width: box.width - box.x, height: box.height - box.y)
        if corner.width > 0, corner.height > 0, box.x >= 0, box.y >= 0, box.width <= width + slack,
            box.height <= height + slack
        {
            corners += 1
        }
    }

    /// What all boxes seem to be instead of pixels, with what mends it; nil where some look right.
    public var likelyCause: (found: String, fix: String)? {
        guard boxes > 0 else { return nil }
        if fractions == boxes {
            return (
                "\(boxes) boxes whose numbers all lie from 0 to 1, as fractions of the image do",
                "multiply x and width by the image's width, y and height by its height"
            )
        }
        if corners == boxes {
            return (
                "\(boxes) boxes that all reach outside their image and would lie in it as corners [x1,y1,x2,y2]",
                "write [x1,y1,x2-x1,y2-y1]"
            )
        }
        if outside == boxes {
            return (
                "\(boxes) boxes that all reach outside their image, as those of a picture of another size do",
                "scale them to the width and height that the annotation file lists for their image"
            )
        }
        return nil
    }

    /// A remark for each oddity; `subject` as in "annotated boxes".
    public func remarks(_ subject: String) -> [InputRemark] {
        var remarks: [InputRemark] = []
        if fractions > 0 {
            remarks.append(
                InputRemark(
                    "\(fractions) of \(boxes) \(subject) look like fractions of their image (0 to 1), not pixels",
                    concerns: fractions, of: boxes))
        }
        if outside > 0 {
            // A few boxes at an edge fit as corners by chance; most of them do not.
            let hint = corners * 2 >= outside ? ", \(corners) of them would lie in it as corners [x1,y1,x2,y2]" : ""
            remarks.append(
                InputRemark(
                    "\(outside) of \(boxes) \(subject) reach outside their image by more than a pixel\(hint)",
                    concerns: outside, of: boxes))
        }
        return remarks
    }
}

/// Something odd about an input file.
public struct InputRemark: Hashable, Sendable {
    /// One line for people.
    public let text: String
    /// Whether it hardly is what somebody meant: where at least half of a file is like that.
    public let isWarning: Bool

    /// A remark on `count` of `total` records.
    init(_ text: String, concerns count: Int, of total: Int) {
        self.text = text
        isWarning = count * 2 >= total
    }

    /// A remark that is a warning.
    public init(_ text: String) {
        self.text = text
        isWarning = true
    }
}
