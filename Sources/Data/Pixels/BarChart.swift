// Stacked bars: for each label how a whole is divided, and how large the whole is.

import Foundation

/// Groups of labelled bars. Each bar stands twice: as parts of the whole, all of one length, and as counts, on one scale.
public struct BarChart: Sendable {
    /// One label and its parts.
    public struct Bar: Sendable, Hashable {
        /// What stands before it.
        public var label: String
        /// How many, in the order of the legend.
        public var parts: [Int]

        /// A bar from its label and parts.
        public init(label: String, parts: [Int]) {
            self.label = label
            self.parts = parts
        }

        var whole: Int { parts.reduce(0, +) }
    }

    /// Bars that belong together, with counts on a scale of their own.
    public struct Group: Sendable, Hashable {
        /// Stands above them.
        public var title: String
        /// From top to bottom.
        public var bars: [Bar]

        /// A group from its title and bars.
        public init(title: String, bars: [Bar]) {
            self.title = title
            self.bars = bars
        }
    }

    /// Stands large at the top.
    public var title: String
    /// Stands small below the title.
    public var subtitle: String
    /// What the parts' colors mean.
    public var legend: [ContactSheet.LegendEntry]
    /// From top to bottom; those without a bar are left out.
    public var groups: [Group]

    /// A chart from what it shows.
    public init(title: String, subtitle: String, legend: [ContactSheet.LegendEntry], groups: [Group]) {
        precondition(groups.allSatisfy { $0.bars.allSatisfy { $0.parts.count == legend.count } }, "a part has a color")
        self.title = title
        self.subtitle = subtitle
        self.legend = legend
        self.groups = groups
    }
}

// MARK: Drawing

extension BarChart {
    private enum Ink {
        static let paper = Color(hex: 0xF4F5F7)
        static let card = Color.white
        static let line = Color(hex: 0xDDE0E6)
        static let track = Color(hex: 0xEEF0F4)
        static let strong = Color(hex: 0x1B1F27)
        static let soft = Color(hex: 0x667085)
    }

    private enum Size {
        static let width = 1200
        static let margin = 32
        static let padding = 26
        static let titleScale = 3.0
        static let textScale = 2.0
        static let noteScale = 1.5
        static let rowHeight = 30
        static let barHeight = 18
        static let labelWidth = 250
        static let shareWidth = 430
        static let gap = 20
        /// Room for a count of seven digits behind its bar.
        static let countRoom = 100
        /// From a card's top to its first bar.
        static let heading = 58
    }

    /// Draws the chart, 1200 pixels wide.
    public func rendered() -> Image {
        let shown = groups.filter { !$0.bars.isEmpty }
        let heights = shown.map { Size.heading + $0.bars.count * Size.rowHeight - 12 + Size.padding }
        let header = 108
        let height = header + heights.reduce(0) { $0 + $1 + Size.margin * 3 / 4 } + Size.margin / 4
        var image = Image(width: Size.width, height: height, fill: Ink.paper)
        drawHeader(on: &image)
        var top = header
        for (group, height) in zip(shown, heights) {
            let card = Rectangle(x: Size.margin, y: top, width: Size.width - 2 * Size.margin, height: height)
            draw(group, on: &image, in: card)
            top += height + Size.margin * 3 / 4
        }
        return image
    }

    private func drawHeader(on image: inout Image) {
        let room = Double(Size.width - 2 * Size.margin)
        let legendWidth = legend.reduce(0.0) { $0 + BitmapFont.width(of: $1.label, scale: Size.textScale) + 44 }
        image.draw(
            text: BitmapFont.truncated(title, toWidth: room - legendWidth, scale: Size.titleScale),
            at: Point(x: Size.margin, y: Size.margin), scale: Size.titleScale, color: Ink.strong)
        image.draw(
            text: BitmapFont.truncated(subtitle, toWidth: room, scale: Size.textScale),
            at: Point(x: Size.margin, y: Size.margin + 38), scale: Size.textScale, color: Ink.soft)
        var left = Size.width - Size.margin
        for entry in legend.reversed() {
            left -= Int(BitmapFont.width(of: entry.label, scale: Size.textScale).rounded(.up))
            image.draw(
                text: entry.label, at: Point(x: left, y: Size.margin + 4), scale: Size.textScale, color: Ink.strong)
            left -= 22
            image.fillRounded(
                Rectangle(x: left, y: Size.margin + 4, width: 14, height: 14), entry.color, radius: 4)
            left -= 22
        }
    }

    private func draw(_ group: Group, on image: inout Image, in card: Rectangle) {
        image.fillRounded(card.outset(by: 2).offset(x: 0, y: 2), .black, radius: 10, opacity: 0.03)
        image.fillRounded(card.outset(by: 1), Ink.line, radius: 9)
        image.fillRounded(card, Ink.card, radius: 8)
        let left = card.x + Size.padding
        let share = left + Size.labelWidth + Size.gap
        let counts = share + Size.shareWidth + 2 * Size.gap
        let room = card.maxX - Size.padding - Size.countRoom - counts
        var top = card.y + Size.padding
        let heading = BitmapFont.truncated(group.title, toWidth: Double(Size.labelWidth), scale: Size.textScale)
        image.draw(text: heading, at: Point(x: left, y: top), scale: Size.textScale, color: Ink.strong)
        for (text, x) in [("share", share), ("objects", counts)] {
            image.draw(text: text, at: Point(x: x, y: top + 2), scale: Size.noteScale, color: Ink.soft)
        }
        top += Size.heading - Size.padding
        let most = max(group.bars.map(\.whole).max() ?? 1, 1)
        for bar in group.bars {
            let label = BitmapFont.truncated(bar.label, toWidth: Double(Size.labelWidth), scale: Size.noteScale)
            image.draw(text: label, at: Point(x: left, y: top + 4), scale: Size.noteScale, color: Ink.strong)
            image.fillRounded(
                Rectangle(x: share, y: top, width: Size.shareWidth, height: Size.barHeight), Ink.track, radius: 4)
            drawParts(
                of: bar, on: &image, in: Rectangle(x: share, y: top, width: Size.shareWidth, height: Size.barHeight),
                showsShare: true)
            let length = bar.whole == 0 ? 0 : max(2, Int((Double(room * bar.whole) / Double(most)).rounded()))
            drawParts(of: bar, on: &image, in: Rectangle(x: counts, y: top, width: length, height: Size.barHeight))
            image.draw(
                text: Self.grouped(bar.whole), at: Point(x: counts + length + 8, y: top + 4), scale: Size.noteScale,
                color: Ink.soft)
            top += Size.rowHeight
        }
    }

    /// The parts beside one another, in whole pixels that add up to the area's width.
    private func drawParts(of bar: Bar, on image: inout Image, in area: Rectangle, showsShare: Bool = false) {
        guard bar.whole > 0, area.width > 0 else { return }
        var sum = 0
        var left = area.x
        for (part, entry) in zip(bar.parts, legend) {
            sum += part
            let right = area.x + Int((Double(area.width * sum) / Double(bar.whole)).rounded())
            let piece = Rectangle(x: left, y: area.y, width: right - left, height: area.height)
            image.fill(piece, entry.color)
            // White between two parts, so that they are told apart without color, too.
            if left > area.x, piece.width > 2, area.width > 20 {
                image.fill(Rectangle(x: left, y: area.y, width: 2, height: area.height), Ink.card)
            }
            let text = "\(Int((Double(100 * part) / Double(bar.whole)).rounded())) %"
            if showsShare, BitmapFont.width(of: text, scale: Size.noteScale) + 12 < Double(piece.width) {
                image.draw(
                    text: text, centeredAt: (piece.x + piece.maxX) / 2, y: area.y + 4, scale: Size.noteScale,
                    color: entry.color.readableInk)
            }
            left = right
        }
    }

    /// `47,429`.
    private static func grouped(_ number: Int) -> String {
        var digits = Substring(String(number))
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits = digits.dropLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }
}
