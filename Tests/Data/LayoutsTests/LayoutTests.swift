// Layouts as JSON, their boxes in generated images, location tokens and prompts.

import Foundation
import Testing

@testable import Layouts

@Suite struct LayoutTests {
    static let layout = Layout(
        imageID: 139, fileName: "000000000139.jpg", width: 640, height: 426,
        objects: [
            LayoutObject(
                annotationID: 26547, categoryID: 64, category: "potted plant",
                box: Box(x: 236.98, y: 142.51, width: 24.7, height: 69.5), attribute: .hard),
            LayoutObject(
                annotationID: 7, categoryID: 92, category: "wall-brick",
                box: Box(x: 0, y: -0.0, width: 640, height: 1e-7),
                attribute: .background),
        ])

    @Test func theCanonicalJSONIsFixed() {
        #expect(
            String(decoding: Self.layout.encoded(), as: UTF8.self)
                == #"{"file_name":"000000000139.jpg","height":426,"image_id":139,"objects":["#
                + #"{"annotation_id":26547,"attribute":"hard","bbox":[236.98,142.51,24.7,69.5],"category":"potted plant","category_id":64},"#
                + #"{"annotation_id":7,"attribute":"background","bbox":[0,0,640,1e-07],"category":"wall-brick","category_id":92}],"width":640}"#
        )
    }

    @Test func decodingGivesAnEqualValue() throws {
        var generator = SplitMix64(seed: 5)
        var layout = Self.layout
        layout.fileName = "a\"b\\c\n\u{1}é\u{1F600}/.jpg"
        for _ in 0..<500 {
            layout.objects[0].box.x = Double(generator.next() >> 11) / Double(1 << 40)
            layout.objects[0].box.width = Double(generator.integer(in: 0...1_000_000)) / 1000
            let bytes = layout.encoded()
            let decoded = try Layout(decoding: bytes)
            #expect(decoded == layout)
            #expect(decoded.encoded() == bytes)
        }
    }

    @Test(arguments: [
        ("", "JSON"), ("[]", "top"), ("{\"width\":1}", "the key"),
        (
            #"{"file_name":"a","height":1,"image_id":1,"objects":[{"annotation_id":1,"attribute":"odd"}],"width":1}"#,
            "objects[0].attribute"
        ),
        (#"{"file_name":"a","height":0,"image_id":1,"objects":[],"width":1}"#, "1x0"),
        (
            #"{"file_name":"a","height":1,"image_id":1,"objects":[{"annotation_id":1,"attribute":"hard","bbox":[1,1,-1,1],"category":"a","category_id":1}],"width":1}"#,
            "objects[0].bbox"
        ),
        (
            #"{"file_name":"a","height":1,"image_id":1,"objects":[{"annotation_id":1,"attribute":"hard","bbox":[1,1,1],"category":"a","category_id":1}],"width":1}"#,
            "objects[0].bbox"
        ),
    ])
    func whatIsNotALayoutIsRefused(text: String, part: String) throws {
        let error = #expect(throws: LayoutError.self) { try Layout(decoding: Array(text.utf8)) }
        let message = try #require(error).description
        #expect(message.contains(part), "\(message)")
        #expect(!message.contains("\n"))
    }

    @Test func boxesAreScaledAndClipped() {
        var layout = Self.layout
        layout.height = 228
        layout.objects[0].box = Box(x: 320, y: 114, width: 320, height: 300)
        let boxes = layout.boxes(inWidth: 800, height: 456)
        #expect(boxes[0] == Box(x: 400, y: 228, width: 400, height: 228))
        #expect(boxes[1].maxX == 800)
        for box in boxes { #expect(box.x >= 0 && box.y >= 0 && box.maxX <= 800 && box.maxY <= 456) }
    }

    @Test func clippingKeepsWhatIsInside() {
        let box = Box(x: 0.1, y: 0.2, width: 0.3, height: 0.4)
        #expect(box.clipped(toWidth: 1, height: 1) == box)
        #expect(
            Box(x: -1, y: -2, width: 3, height: 9).clipped(toWidth: 4, height: 5)
                == Box(x: 0, y: 0, width: 2, height: 5))
        #expect(Box(x: 9, y: 9, width: 3, height: 9).clipped(toWidth: 4, height: 5).area == 0)
    }
}

@Suite struct BinsTests {
    @Test(arguments: [(0, 0, 0), (1, 1, 65535), (0.5, 0.5, 32896), (0.1321, 0.3914, 25634), (0.7247, 0.7849, 51385)])
    func knownTokens(x: Double, y: Double, token: Int) {
        #expect(Bins(columns: 256, rows: 256).token(x: x, y: y) == token)
    }

    @Test func halvesGoToEven() {
        let bins = Bins(columns: 3, rows: 2)
        #expect(bins.token(x: 0.25, y: 0) == 0)
        #expect(bins.token(x: 0.75, y: 0) == 2)
        #expect(bins.token(x: 0, y: 0.5) == 0)
        #expect(bins.token(x: 0.5, y: 1) == 4)
        #expect(bins.token(x: -1, y: 7) == 3)
    }

    @Test func theTextFormIsExact() {
        #expect(Bins(parsing: "256x128") == Bins(columns: 256, rows: 128))
        #expect(Bins(parsing: "256x128")?.description == "256x128")
        for text in ["", "256", "256x", "x1", "0x5", "5x-5", "1x2x3", "+1x2", " 1x2", "01x2", "5000x5", "axb"] {
            #expect(Bins(parsing: text) == nil, "\(text)")
        }
    }
}

@Suite struct PromptTests {
    /// Corners at bins 23, 44 and 45, 80 of a grid of 9 x 9.
    static let layout = Layout(
        imageID: 1, fileName: "1.jpg", width: 8, height: 8,
        objects: [
            LayoutObject(
                annotationID: 1, categoryID: 1, category: "person", box: Box(x: 5, y: 2, width: 3, height: 2),
                attribute: .easy),
            LayoutObject(
                annotationID: 2, categoryID: 1, category: "Person", box: Box(x: 0, y: 5, width: 8, height: 3),
                attribute: .hard),
            LayoutObject(
                annotationID: 3, categoryID: 176, category: "wall-brick", box: Box(x: 0, y: 0, width: 99, height: 8),
                attribute: .background),
        ])

    @Test(arguments: [
        (
            PromptTemplate.compact,
            "An image with person <l23> <l44> [easy] person <l45> <l80> [hard] wall brick <l0> <l80> [background]"
        ),
        (
            .paper,
            "An image with (person,<l23><l44>,[easy]),(person,<l45><l80>,[hard]),(wall brick,<l0><l80>,[background])"
        ),
        (.geodiffusion, "An image with person <l23> <l44> person <l45> <l80> wall brick <l0> <l80>"),
    ])
    func promptsAreSpacedAsTheMethodSays(template: PromptTemplate, prompt: String) {
        #expect(template.prompt(for: Self.layout, bins: Bins(columns: 9, rows: 9)) == prompt)
    }
}
