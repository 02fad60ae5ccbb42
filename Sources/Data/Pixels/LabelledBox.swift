// Boxes with name tags, placed so that the tags stay readable.

/// A box to draw, with its name and colour.
public struct LabelledBox: Hashable, Sendable {
    /// Where it is, in pixels of the image it is drawn on.
    public var rectangle: Rectangle
    /// Its name; an empty one draws no tag.
    public var label: String
    /// Colour of its outline and tag.
    public var color: Color

    /// A box from its place, name and colour.
    public init(rectangle: Rectangle, label: String, color: Color) {
        self.rectangle = rectangle
        self.label = label
        self.color = color
    }
}

/// How boxes are drawn.
public struct BoxStyle: Hashable, Sendable {
    /// Width of the outline, in pixels.
    public var thickness: Int
    /// How much of the image the inside hides, 0...1.
    public var fillOpacity: Double
    /// Size of the tags' text (``Image/draw(text:at:scale:color:opacity:)``).
    public var textScale: Double

    /// A style from outline width in pixels, inside opacity and text scale.
    public init(thickness: Int = 2, fillOpacity: Double = 0.22, textScale: Double = 1) {
        self.thickness = thickness
        self.fillOpacity = fillOpacity
        self.textScale = textScale
    }
}

extension Image {
    /// Draws one box: its inside translucent, an outline, and its name on a tag.
    public mutating func drawLabelledBox(
        _ rectangle: Rectangle, label: String, color: Color, style: BoxStyle = BoxStyle()
    ) {
        drawLabelledBoxes([LabelledBox(rectangle: rectangle, label: label, color: color)], style: style)
    }

    /// Draws boxes with large ones beneath small ones, and all tags on top where they hide no other tag.
    ///
    /// A tag that finds no free place in its box or beside it is left out.
    public mutating func drawLabelledBoxes(_ boxes: [LabelledBox], style: BoxStyle = BoxStyle()) {
        let order = boxes.indices.sorted { first, second in
            let (one, two) = (boxes[first].rectangle.area, boxes[second].rectangle.area)
            return one == two ? first < second : one > two
        }
        for index in order { fill(boxes[index].rectangle, boxes[index].color, opacity: style.fillOpacity) }
        for index in order { drawOutline(boxes[index], thickness: style.thickness) }
        var tags = TagPlacement(bounds: bounds, scale: style.textScale)
        // Small boxes have few places for their tags: they choose first.
        for index in order.reversed() {
            guard let tag = tags.place(boxes[index]) else { continue }
            drawTag(tag, color: boxes[index].color, scale: style.textScale)
        }
    }

    /// The outline, with a faint dark rim that sets it off from a picture of its own colour.
    private mutating func drawOutline(_ box: LabelledBox, thickness: Int) {
        let rim = Color(hex: 0x14171C)
        stroke(box.rectangle.outset(by: 1), rim, opacity: 0.28)
        stroke(box.rectangle.outset(by: -thickness), rim, opacity: 0.18)
        stroke(box.rectangle, box.color, thickness: thickness)
    }

    private mutating func drawTag(_ tag: TagPlacement.Tag, color: Color, scale: Double) {
        let padding = TagPlacement.padding(scale)
        fillRounded(tag.rectangle, color, radius: Int((2 * scale).rounded()))
        let text = Point(x: tag.rectangle.x + padding + 1, y: tag.rectangle.y + padding)
        draw(text: tag.text, at: text, scale: scale, color: color.readableInk)
    }
}

/// Finds places for tags: in or at the corners of their box first, then down its sides, never over another tag.
struct TagPlacement {
    struct Tag {
        var text: String
        var rectangle: Rectangle
    }

    var bounds: Rectangle
    var scale: Double
    private var taken: [Rectangle] = []

    init(bounds: Rectangle, scale: Double) {
        self.bounds = bounds
        self.scale = scale
    }

    /// Space around a tag's text, in pixels.
    static func padding(_ scale: Double) -> Int { max(2, Int((2 * scale).rounded())) }

    /// Takes the first free place for the box's tag; `nil` when there is none.
    mutating func place(_ box: LabelledBox) -> Tag? {
        let padding = Self.padding(scale)
        let room = Double(bounds.width - 2 * padding - 2)
        let text = BitmapFont.truncated(box.label, toWidth: room, scale: scale)
        guard !text.isEmpty else { return nil }
        let width = Int(BitmapFont.width(of: text, scale: scale).rounded(.up)) + 2 * padding + 2
        // Capitals centre between the paddings; what hangs below the baseline may use the lower one.
        let height = Int((Double(BitmapFont.capitalHeight) * scale).rounded(.up)) + 2 * padding + 1
        let candidates = Self.corners(of: box.rectangle, width: width, height: height).map { corner in
            pushedInside(Rectangle(x: corner.x, y: corner.y, width: width, height: height))
        }
        guard
            let free = candidates.first(where: { candidate in
                bounds.contains(candidate) && !taken.contains { $0.outset(by: 1).intersects(candidate) }
            })
        else { return nil }
        taken.append(free)
        return Tag(text: text, rectangle: free)
    }

    /// Upper-left pixels to try, in order of preference.
    private static func corners(of box: Rectangle, width: Int, height: Int) -> [Point] {
        let (left, right) = (box.x, box.maxX - width)
        // In a box about as small as the tag it would hide everything: then it stands on top of the box.
        let isRoomy = box.height >= 2 * height && box.width >= width
        let inside = [Point(x: left, y: box.y), Point(x: right, y: box.y)]
        let above = [Point(x: left, y: box.y - height), Point(x: right, y: box.y - height)]
        let below = [Point(x: left, y: box.maxY), Point(x: right, y: box.maxY)]
        let feet = [Point(x: left, y: box.maxY - height), Point(x: right, y: box.maxY - height)]
        let sides = stride(from: box.y + height, to: box.maxY - height, by: max(height / 2, 1)).flatMap { y in
            [Point(x: left, y: y), Point(x: right, y: y)]
        }
        return (isRoomy ? inside + above + feet : above + below + inside) + sides + below
    }

    /// The rectangle moved by as little as brings it into the image.
    private func pushedInside(_ rectangle: Rectangle) -> Rectangle {
        let x = max(min(rectangle.x, bounds.maxX - rectangle.width), bounds.x)
        let y = max(min(rectangle.y, bounds.maxY - rectangle.height), bounds.y)
        return Rectangle(x: x, y: y, width: rectangle.width, height: rectangle.height)
    }
}
