// Drawing, resizing, text, palettes and sheets.

import Testing

@testable import Pixels

@Suite struct DrawingTests {
    private let gray = Color(hex: 0x808080)

    @Test func fillingIsClippedToTheImage() {
        var image = Image(width: 4, height: 3, fill: .white)
        image.fill(Rectangle(x: -2, y: 1, width: 4, height: 9), .black)
        let dark = (0..<3).flatMap { y in (0..<4).map { x in image[x, y] == .black } }
        #expect(dark == [false, false, false, false, true, true, false, false, true, true, false, false])
    }

    @Test func opacityMixesColors() {
        var image = Image(width: 1, height: 1, fill: .black)
        image.fill(image.bounds, Color(hex: 0xFF8000), opacity: 0.5)
        #expect(image[0, 0] == Color(hex: 0x804000))
        image.fill(image.bounds, .white, opacity: 0)
        #expect(image[0, 0] == Color(hex: 0x804000))
        image.fill(image.bounds, .white, opacity: 1)
        #expect(image[0, 0] == .white)
    }

    @Test(arguments: 1...4)
    func anOutlineCoversEachPixelOnce(thickness: Int) {
        var image = Image(width: 7, height: 5, fill: .black)
        image.stroke(image.bounds, .white, thickness: thickness, opacity: 0.5)
        for y in 0..<5 {
            for x in 0..<7 {
                let isBorder = min(x, y, 6 - x, 4 - y) < thickness
                #expect(image[x, y] == (isBorder ? gray : .black))
            }
        }
    }

    @Test func aRoundedRectangleLeavesItsCornersOut() {
        var image = Image(width: 12, height: 12, fill: .white)
        image.fillRounded(image.bounds, .black, radius: 5)
        #expect(image[0, 0] == .white && image[11, 11] == .white)
        #expect(image[6, 0] == .black && image[0, 6] == .black && image[6, 6] == .black)
    }

    @Test func drawingAnImageCopiesWhatFits() {
        var image = Image(width: 3, height: 3, fill: .white)
        image.draw(Image(width: 2, height: 2, fill: .black), at: Point(x: 2, y: -1))
        #expect(image[2, 0] == .black)
        #expect(image[2, 1] == .white && image[1, 0] == .white)
    }

    @Test func shrinkingAveragesAreas() {
        let image = Image(width: 3, height: 1, pixels: [0, 0, 0, 90, 90, 90, 240, 240, 240])
        #expect(image.resized(width: 1, height: 1).pixels == [110, 110, 110])
        // Each half covers one and a half pixels: (0 + 90/2) / 1.5 and (90/2 + 240) / 1.5.
        #expect(image.resized(width: 2, height: 1).pixels == [30, 30, 30, 190, 190, 190])
    }

    @Test func enlargingInterpolates() {
        let image = Image(width: 2, height: 1, pixels: [0, 0, 0, 100, 100, 100])
        #expect(
            image.resized(width: 4, height: 1).pixels[..<12].map(Int.init) == [
                0, 0, 0, 25, 25, 25, 75, 75, 75, 100, 100, 100,
            ])
        #expect(image.resized(width: 2, height: 3).pixels == image.pixels + image.pixels + image.pixels)
    }

    @Test func aConstantPictureStaysConstantAtAnySize() {
        let image = Image(width: 31, height: 17, fill: Color(hex: 0xC86432))
        for (width, height) in [(7, 5), (64, 40), (31, 3), (5, 90)] {
            #expect(
                image.resized(width: width, height: height) == Image(width: width, height: height, fill: image[0, 0]))
        }
    }

    @Test func theBackdropDependsOnTheSeedAlone() {
        #expect(Image(backdropOf: 320, height: 200, seed: 1) == Image(backdropOf: 320, height: 200, seed: 1))
        #expect(Image(backdropOf: 320, height: 200, seed: 1) != Image(backdropOf: 320, height: 200, seed: 2))
    }
}

@Suite struct TextTests {
    @Test func everyPrintableCharacterHasItsOwnInk() {
        let glyphs = (33...126).map { BitmapFont.glyph(Character(UnicodeScalar(UInt8($0)))).rows }
        #expect(Set(glyphs).count == 94)
        #expect(glyphs.allSatisfy { $0.contains { row in row != 0 } })
    }

    @Test func aLetterIsDrawnAsInTheFont() {
        var image = Image(width: 5, height: 7, fill: .white)
        image.draw(text: "L", at: Point(x: 0, y: 0), color: .black)
        let rows = (0..<7).map { y in (0..<5).map { x in image[x, y] == .black ? "#" : "." }.joined() }
        #expect(rows == Array(repeating: "#....", count: 6) + ["#####"])
        #expect(Set(image.pixels) == [0, 255])
    }

    @Test func widthGrowsWithTheScale() {
        #expect(BitmapFont.width(of: "L1") == 11)
        #expect(BitmapFont.width(of: "L1", scale: 2) == 22)
        #expect(BitmapFont.width(of: "") == 0)
    }

    @Test func longTextIsCutWithDots() {
        let cut = BitmapFont.truncated("a dining table with chairs", toWidth: 60)
        #expect(cut.hasSuffix("...") && BitmapFont.width(of: cut) <= 60)
        #expect(BitmapFont.truncated("tv", toWidth: 60) == "tv")
    }

    @Test func textBeyondTheFontOrTheImageDoesNoHarm() {
        var image = Image(width: 8, height: 8, fill: .white)
        image.draw(text: "\u{00E9}\u{1F600}", at: Point(x: -3, y: -3), scale: 2.5, color: .black)
        image.draw(text: "far", at: Point(x: 900, y: 900), color: .black)
        #expect(image.pixels.contains(0))
    }
}

@Suite struct SheetTests {
    /// Category ids come from files: any of Int64 has a colour.
    @Test(arguments: [-1, -2, Int.min, Int.max]) func anyCategoryHasAColor(id: Int) {
        let color = Color.distinct(index: id, of: 91)
        #expect((0..<91).contains { Color.distinct(index: $0, of: 91) == color })
    }

    @Test func paletteColorsAreDistinctAndReadable() {
        for count in [1, 2, 3, 8, 12, 80, 171] {
            let colors = (0..<count).map { Color.distinct(index: $0, of: count) }
            #expect(Set(colors).count == count)
            #expect(colors.allSatisfy { $0.contrast(with: $0.readableInk) >= 3 })
        }
    }

    @Test func tagsNeverHideOneAnotherAndStayInside() {
        let bounds = Rectangle(x: 0, y: 0, width: 200, height: 120)
        var tags = TagPlacement(bounds: bounds, scale: 1)
        let places = (0..<12).compactMap { index in
            let box = Rectangle(x: 150 + index % 3, y: 10 + index, width: 45, height: 80)
            return tags.place(LabelledBox(rectangle: box, label: "dining table", color: .black))?.rectangle
        }
        #expect(places.count > 4)
        #expect(places.allSatisfy { bounds.contains($0) })
        for (index, place) in places.enumerated() {
            #expect(!places[..<index].contains { $0.intersects(place) })
        }
    }

    @Test func aBoxShowsItsColorOnItsOutline() {
        var image = Image(width: 100, height: 80, fill: .white)
        image.drawLabelledBox(Rectangle(x: 10, y: 30, width: 60, height: 40), label: "cat", color: .hardRed)
        #expect(image[10, 60] == .hardRed && image[69, 60] == .hardRed && image[40, 69] == .hardRed)
        #expect(image[40, 60] != .white && image[40, 60] != .hardRed)
        #expect(image[90, 10] == .white)
    }

    @Test func aSheetHasRoomForItsRows() {
        let tile = ContactSheet.Tile(image: Image(width: 80, height: 40, fill: .black), caption: "one\ntwo")
        let one = ContactSheet(title: "t", tiles: [tile], columns: 2, tileWidth: 80).rendered()
        let three = ContactSheet(title: "t", tiles: [tile, tile, tile], columns: 2, tileWidth: 80).rendered()
        #expect(three.height > one.height)
        #expect(ContactSheet(tiles: []).rendered().width > 0)
        #expect(three == ContactSheet(title: "t", tiles: [tile, tile, tile], columns: 2, tileWidth: 80).rendered())
    }
}
