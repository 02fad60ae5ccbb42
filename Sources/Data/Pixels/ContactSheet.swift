// A sheet of captioned pictures with their boxes, to look at many outputs at once.

/// Pictures in columns, each with its boxes and a caption, below a title and a legend.
public struct ContactSheet: Sendable {
    /// One picture of the sheet.
    public struct Tile: Sendable {
        /// The picture, of any size; it is scaled to the sheet's tile width.
        public var image: Image
        /// Boxes in pixels of ``image``.
        public var boxes: [LabelledBox]
        /// What stands below it: the first line strong, further lines (after a line feed) gray; cut to
        /// the tile's width.
        public var caption: String

        /// A tile from its picture, the boxes on it and the text below it.
        public init(image: Image, boxes: [LabelledBox] = [], caption: String = "") {
            self.image = image
            self.boxes = boxes
            self.caption = caption
        }
    }

    /// What a colour means.
    public struct LegendEntry: Hashable, Sendable {
        /// The meaning in a word or two.
        public var label: String
        /// The colour explained.
        public var color: Color

        /// An entry from its word and colour.
        public init(label: String, color: Color) {
            self.label = label
            self.color = color
        }

        /// The three attributes of the method: easy green, hard red, background gray.
        public static let attributes = [
            LegendEntry(label: "easy", color: .easyGreen), LegendEntry(label: "hard", color: .hardRed),
            LegendEntry(label: "background", color: .backgroundGray),
        ]
    }

    /// Stands large at the top; an empty one takes no room.
    public var title: String
    /// Stands small below the title; an empty one takes no room.
    public var subtitle: String
    /// What the colours mean; an empty list takes no room.
    public var legend: [LegendEntry]
    /// The pictures, row by row.
    public var tiles: [Tile]
    /// Pictures in a row, at least 1.
    public var columns: Int
    /// Width of every picture in pixels; heights follow from the pictures.
    public var tileWidth: Int
    /// Space around and between, in pixels.
    public var margin: Int
    /// How boxes are drawn at the sheet's size.
    public var boxStyle: BoxStyle

    /// A sheet from what it shows; sizes are in pixels.
    public init(
        title: String = "", subtitle: String = "", legend: [LegendEntry] = LegendEntry.attributes, tiles: [Tile],
        columns: Int = 3, tileWidth: Int = 400, margin: Int = 28,
        boxStyle: BoxStyle = BoxStyle(thickness: 2, fillOpacity: 0.06, textScale: 1.5)
    ) {
        precondition(columns > 0 && tileWidth > 0 && margin >= 0, "a sheet needs columns and room for them")
        self.title = title
        self.subtitle = subtitle
        self.legend = legend
        self.tiles = tiles
        self.columns = columns
        self.tileWidth = tileWidth
        self.margin = margin
        self.boxStyle = boxStyle
    }
}
