// How a contact sheet is drawn: a header, then cards in rows.

extension ContactSheet {
    private enum Ink {
        static let paper = Color(hex: 0xF4F5F7)
        static let card = Color.white
        static let line = Color(hex: 0xDDE0E6)
        static let strong = Color(hex: 0x1B1F27)
        static let soft = Color(hex: 0x667085)
    }

    private enum Size {
        static let titleScale = 3.0
        static let textScale = 2.0
        static let noteScale = 1.5
        /// Between a card's edge and its picture.
        static let cardPadding = 10
        static let captionGap = 12
        static let lineGap = 8
        static let cornerRadius = 8
    }

    /// Draws the sheet.
    public func rendered() -> Image {
        let rows = stride(from: 0, to: tiles.count, by: columns).map { start in
            Array(tiles[start..<min(start + columns, tiles.count)])
        }
        let cardWidth = tileWidth + 2 * Size.cardPadding
        let shown = max(1, min(columns, tiles.count))
        let gap = max(margin * 2 / 3, 4)
        let width = max(2 * margin + shown * cardWidth + (shown - 1) * gap, headerWidth + 2 * margin)
        let heights = rows.map { $0.map(cardHeight).max() ?? 0 }
        let total = heights.reduce(headerHeight + margin) { $0 + $1 + gap } + margin - (rows.isEmpty ? 0 : gap)
        var sheet = Image(width: width, height: max(total, 1), fill: Ink.paper)
        drawHeader(on: &sheet)
        var top = margin + headerHeight
        for (row, height) in zip(rows, heights) {
            for (column, tile) in row.enumerated() {
                let left = margin + column * (cardWidth + gap)
                draw(tile, on: &sheet, in: Rectangle(x: left, y: top, width: cardWidth, height: height))
            }
            top += height + gap
        }
        return sheet
    }

    // MARK: Header

    private var titleHeight: Int { title.isEmpty ? 0 : Int(Double(BitmapFont.lineHeight) * Size.titleScale) }
    private var noteHeight: Int { Int(Double(BitmapFont.lineHeight) * Size.textScale) }

    /// Height of title, subtitle and legend with the space below them.
    private var headerHeight: Int {
        let lines = [titleHeight, subtitle.isEmpty ? 0 : noteHeight].filter { $0 > 0 }
        let text = lines.reduce(0, +) + max(lines.count - 1, 0) * Size.lineGap
        let legendOnly = legend.isEmpty ? 0 : noteHeight
        let height = max(text, legendOnly)
        return height == 0 ? 0 : height + margin * 2 / 3
    }

    private var headerWidth: Int {
        let title = BitmapFont.width(of: title, scale: Size.titleScale)
        let subtitle = BitmapFont.width(of: subtitle, scale: Size.textScale)
        let first = title + (legend.isEmpty ? 0 : Double(legendWidth + margin))
        return Int(max(first, subtitle).rounded(.up))
    }

    private var swatch: Int { Int(7 * Size.textScale) }

    private var legendWidth: Int {
        legend.reduce(0) { sum, entry in
            sum + swatch + 8 + Int(BitmapFont.width(of: entry.label, scale: Size.textScale).rounded(.up))
        } + max(legend.count - 1, 0) * 22
    }

    private func drawHeader(on sheet: inout Image) {
        sheet.draw(text: title, at: Point(x: margin, y: margin), scale: Size.titleScale, color: Ink.strong)
        let below = margin + (titleHeight == 0 ? 0 : titleHeight + Size.lineGap)
        sheet.draw(text: subtitle, at: Point(x: margin, y: below), scale: Size.textScale, color: Ink.soft)
        var left = sheet.width - margin - legendWidth
        let top = margin + max(0, Int(7 * Size.titleScale) - swatch) / 2
        for entry in legend {
            let square = Rectangle(x: left, y: top, width: swatch, height: swatch)
            sheet.fillRounded(square, entry.color, radius: 4)
            left += swatch + 8
            sheet.draw(text: entry.label, at: Point(x: left, y: top), scale: Size.textScale, color: Ink.strong)
            left += Int(BitmapFont.width(of: entry.label, scale: Size.textScale).rounded(.up)) + 22
        }
    }

    // MARK: Cards

    private func pictureHeight(_ tile: Tile) -> Int {
        max(1, Int((Double(tile.image.height) * Double(tileWidth) / Double(tile.image.width)).rounded()))
    }

    private func captionLines(_ tile: Tile) -> [Substring] {
        tile.caption.isEmpty ? [] : tile.caption.split(separator: "\n", omittingEmptySubsequences: false)
    }

    private func lineHeight(_ line: Int) -> Int {
        Int((Double(BitmapFont.lineHeight) * (line == 0 ? Size.textScale : Size.noteScale)).rounded(.up))
    }

    private func cardHeight(_ tile: Tile) -> Int {
        let lines = captionLines(tile).indices.map(lineHeight)
        let caption = lines.isEmpty ? 0 : Size.captionGap + lines.reduce(0, +) + (lines.count - 1) * (Size.lineGap / 2)
        return 2 * Size.cardPadding + pictureHeight(tile) + caption
    }

    private func draw(_ tile: Tile, on sheet: inout Image, in card: Rectangle) {
        sheet.fillRounded(card.outset(by: 2).offset(x: 0, y: 2), .black, radius: Size.cornerRadius + 2, opacity: 0.03)
        sheet.fillRounded(card.outset(by: 1), Ink.line, radius: Size.cornerRadius + 1)
        sheet.fillRounded(card, Ink.card, radius: Size.cornerRadius)
        let height = pictureHeight(tile)
        var picture = tile.image.resized(width: tileWidth, height: height)
        let (scaleX, scaleY) = (
            Double(tileWidth) / Double(tile.image.width), Double(height) / Double(tile.image.height)
        )
        let boxes = tile.boxes.map { box in
            LabelledBox(rectangle: box.rectangle.scaled(x: scaleX, y: scaleY), label: box.label, color: box.color)
        }
        picture.drawLabelledBoxes(boxes, style: boxStyle)
        let left = card.x + Size.cardPadding
        sheet.draw(picture, at: Point(x: left, y: card.y + Size.cardPadding))
        var top = card.y + Size.cardPadding + height + Size.captionGap
        for (line, text) in captionLines(tile).enumerated() {
            let scale = line == 0 ? Size.textScale : Size.noteScale
            let fitted = BitmapFont.truncated(String(text), toWidth: Double(tileWidth), scale: scale)
            let color = line == 0 ? Ink.strong : Ink.soft
            sheet.draw(text: fitted, at: Point(x: left, y: top), scale: scale, color: color)
            top += lineHeight(line) + Size.lineGap / 2
        }
    }
}
