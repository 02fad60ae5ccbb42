// Reading annotation files: agreement with Foundation on real files, and one clear line for each broken one.

import Foundation
import Testing

@testable import Layouts

@Suite struct AnnotationReadingTests {
    static let images =
        #""images":[{"id":5,"file_name":"a.jpg","width":40,"height":50},{"id":6,"file_name":"b.jpg","width":7,"height":8}]"#
    static let categories = #""categories":[{"id":1,"name":"person"},{"id":3,"name":"car"}]"#
    static let good = #"{"id":9,"image_id":5,"category_id":3,"bbox":[1,2.5,3e1,4],"area":7.25,"iscrowd":1}"#

    static func file(annotations: String, images: String = images, categories: String = categories) -> String {
        "{\(images),\"annotations\":[\(annotations)],\(categories)}"
    }

    static func read(_ text: String) throws -> AnnotationSet { try withFile(text) { try AnnotationSet.read(path: $0) } }

    /// The message of the error that reading `text` gives.
    static func message(_ text: String) throws -> String {
        let error = #expect(throws: LayoutError.self) { try read(text) }
        let message = try #require(error).description
        #expect(!message.contains("\n"))
        return message
    }

    @Test(
        .enabled(if: CocoData.isThere, "\(CocoData.missing)"),
        arguments: [CocoData.instances, CocoData.demo, CocoData.stuff])
    func agreesWithFoundationOnRealFiles(path: String) throws {
        let set = try AnnotationSet.read(path: path, isStuff: path == CocoData.stuff)
        let judge = try JudgeFile.read(path)
        #expect(set.images.map(\.id) == judge.images.map(\.id))
        #expect(set.images.map(\.fileName) == judge.images.map(\.file_name))
        #expect(set.images.map { [$0.width, $0.height] } == judge.images.map { [$0.width, $0.height] })
        #expect(set.annotations.map(\.id) == judge.annotations.map(\.id))
        #expect(set.annotations.map(\.imageID) == judge.annotations.map(\.image_id))
        #expect(set.annotations.map(\.categoryID) == judge.annotations.map(\.category_id))
        #expect(set.annotations.map(\.area) == judge.annotations.map(\.area))
        #expect(set.annotations.map(\.isCrowd) == judge.annotations.map { $0.iscrowd == 1 })
        #expect(set.annotations.map(\.box.numbers) == judge.annotations.map(\.bbox))
        #expect(set.categories.map(\.name) == judge.categories.map(\.name))
        #expect(set.categories.allSatisfy { $0.isStuff == (path == CocoData.stuff) })
    }

    @Test(.enabled(if: CocoData.isThere, "\(CocoData.missing)"))
    func theCategoryTablesAreThoseOfTheRealFiles() throws {
        #expect(try AnnotationSet.read(path: CocoData.instances).categories == CocoCategories.things)
        let stuff = try AnnotationSet.read(path: CocoData.stuff, isStuff: true).categories
        #expect(stuff.dropLast() == CocoCategories.stuff[...])
        #expect(stuff.last == Category(id: 183, name: "other", isStuff: true, supercategory: "other"))
    }

    @Test func sectionsMayStandInAnyOrder() throws {
        let set = try Self.read(
            "{\(Self.categories),\"annotations\":[\(Self.good)],\"extra\":{\"images\":[[1]]},\(Self.images)}")
        #expect(set.images.map(\.id) == [5, 6])
        let box = Box(x: 1, y: 2.5, width: 30, height: 4)
        #expect(set.annotations == [Annotation(id: 9, imageID: 5, categoryID: 3, box: box, area: 7.25, isCrowd: true)])
    }

    @Test func realOdditiesAreTolerated() throws {
        let set = try Self.read(
            Self.file(
                annotations: """
                    {"segmentation":{"counts":[1,2,{"x":[null,true,"\\n"]}],"size":[1,2]},"id":1.0,"image_id":5,"category_id":1,\
                    "bbox":[-3,0,0,12],"iscrowd":false},
                    {"id":2,"image_id":6,"category_id":1,"bbox":[1e0,2E-1,3.5e+1,4],"area":0,"segmentation":[],"note":"a","note":"b"}
                    """))
        #expect(set.annotations.map(\.isCrowd) == [false, false])
        #expect(set.annotations[0].box.width == 0)
        #expect(set.annotations[0].area == 0)
        #expect(set.annotations[1].box == Box(x: 1, y: 0.2, width: 35, height: 4))
    }

    @Test(arguments: [
        (#""bbox":[1,2,1e999,4]"#, "annotations[1].bbox[2]", "1e999"),
        (#""bbox":[1,2,3]"#, "annotations[1].bbox", "3 numbers"),
        (#""bbox":[1,2,3,4,5]"#, "annotations[1].bbox[4]", "a fifth"),
        (#""bbox":[1,2,"3",4]"#, "annotations[1].bbox[2]", "the string \"3\""),
        (#""bbox":[1,2,[3],4]"#, "annotations[1].bbox[2]", "an array"),
        (#""bbox":{"x":1}"#, "annotations[1].bbox", "an object"),
        (#""bbox":7"#, "annotations[1].bbox", "the number 7"),
        (#""bbox":[1,2,null,4]"#, "annotations[1].bbox[2]", "null"),
        (#""category_id":null"#, "annotations[1].category_id", "null"),
        (#""bbox":[1,2,3,4],"bbox":[1,2,3,4]"#, "annotations[1].bbox", "it twice"),
        (#""bbox":[1,2,3,4],"area":"7""#, "annotations[1].area", "the string \"7\""),
        (#""bbox":[1,2,3,4],"iscrowd":2"#, "annotations[1].iscrowd", "the number 2"),
        (#""note":1"#, "annotations[1]: expected the key \"bbox\"", "an object without it"),
    ])
    func aWrongValueIsNamedWithItsPlace(fields: String, place: String, found: String) throws {
        let bad =
            #"{"id":10,"image_id":5,"# + (fields.contains("category_id") ? "" : #""category_id":3,"#) + fields + "}"
        let message = try Self.message(Self.file(annotations: "\(Self.good),\(bad)"))
        #expect(message.contains(place), "\(message)")
        #expect(message.contains("found \(found)"), "\(message)")
        #expect(message.contains("at byte "), "\(message)")
        #expect(message.contains("; mend that record") || message.contains("; number images"))
    }

    @Test func whatIsDegenerateIsReadAndLeftToTheRules() throws {
        let boxes = ["[]", "null", "[1,2,-3,4]", "[1,2,0,4]"]
        let set = try Self.read(
            Self.file(
                annotations: boxes.enumerated().map {
                    #"{"id":\#($0.offset),"image_id":5,"category_id":3,"area":null,"iscrowd":null,"bbox":\#($0.element)}"#
                }.joined(separator: ",")))
        #expect(set.annotations.map(\.box.numbers) == [[0, 0, 0, 0], [0, 0, 0, 0], [1, 2, -3, 4], [1, 2, 0, 4]])
        #expect(set.annotations.allSatisfy { !$0.isCrowd && !$0.isIgnored })
        let subset = try Subset.select(things: set, stuff: nil, protocol: .trainability)
        #expect(subset.drops.count(of: .degenerate) == 4)
    }

    @Test func regionsToBeIgnoredAreMarked() throws {
        let marks = ["1", "true", "0", "null"]
        let set = try Self.read(
            Self.file(
                annotations: marks.enumerated().map {
                    #"{"id":\#($0.offset),"image_id":5,"category_id":3,"bbox":[1,2,3,4],"ignore":\#($0.element)}"#
                }.joined(separator: ",")))
        #expect(set.annotations.map(\.isIgnored) == [true, true, false, false])
    }

    @Test func imagesWithoutANameHaveTheEndOfTheirURL() throws {
        let images = #""images":[{"id":5,"width":4,"height":5,"coco_url":"http://a.example/val2017/7.jpg"}]"#
        #expect(try Self.read(Self.file(annotations: "", images: images)).images.map(\.fileName) == ["7.jpg"])
        let both = #""images":[{"id":5,"width":4,"height":5,"file_name":"a.jpg","coco_url":""}]"#
        #expect(try Self.read(Self.file(annotations: "", images: both)).images.map(\.fileName) == ["a.jpg"])
        for rest in ["", #","coco_url":"""#, #","coco_url":7"#, #","coco_url":{"a":["b"]}"#, #","file_name":null"#] {
            let none = #""images":[{"id":5,"width":4,"height":5\#(rest)}]"#
            let message = try Self.message(Self.file(annotations: "", images: none))
            #expect(message.contains("images[0]: expected the key \"file_name\""), "\(message)")
        }
    }

    @Test func categoriesKeepTheirGroupWhereTheyHaveOne() throws {
        let categories =
            #""categories":[{"supercategory":"fruit","id":0,"name":"fig"},{"id":4,"name":"pear","supercategory":null},"#
            + #"{"id":5,"name":"nut","supercategory":["a"]},{"id":3,"name":"car"}]"#
        let set = try Self.read(Self.file(annotations: "", categories: categories))
        #expect(set.categories.map(\.supercategory) == ["fruit", nil, nil, nil])
        // As the catalogue holds them; what it has from earlier versions is COCO's where it is COCO's.
        let encoded = try JSONEncoder().encode(set.categories)
        #expect(try JSONDecoder().decode([Layouts.Category].self, from: encoded) == set.categories)
        let old = #"[{"id":3,"name":"car","isStuff":false},{"id":3,"name":"weld","isStuff":false}]"#
        let read = try JSONDecoder().decode([Layouts.Category].self, from: Data(old.utf8))
        #expect(read.map(\.supercategory) == ["vehicle", nil])
    }

    @Test(arguments: [
        ("[{\"id\":NaN}]", "near 'NaN", "JSON has no NaN"), ("[{'id':1}]", "near ''id'", "double quotes"),
        ("[{\"id\":1,\"x\":True}]", "near 'True", "true, false and null"),
        ("[{\"id\":\"a\"}]", "the string", "whole numbers"),
        ("[{\"id\":1,\"x\":+}]", "near '+", "make it JSON"),
        ("[{\"id\":18446744073709551616}]", "18446744073709551616, beyond 64 bits", "mend that record"),
    ])
    func adviceFitsWhatIsWrong(images: String, found: String, advice: String) throws {
        let message = try Self.message("{\"images\":\(images)}")
        #expect(message.contains(found) && message.contains(advice), "\(message)")
    }

    @Test func theByteIsWhereReadingStopped() throws {
        let text = Self.file(annotations: #"{"id":1.5}"#)
        let stop = try #require(text.range(of: "1.5")).upperBound
        #expect(try Self.message(text).contains("at byte \(text.utf8.distance(from: text.startIndex, to: stop)),"))
    }

    @Test(arguments: [
        ("", "an empty file"), ("[1]", "expected an object"), ("7", "expected an object"), ("{}", "\"annotations\""),
        ("hello", "expected JSON"), ("{\"images\":[],\"images\":[]}", "it twice"),
        ("{\"images\":{}}", "images: expected an array"),
        ("{\"images\":[3]}", "images[0]: expected an object"),
        ("{\"images\":[{\"id\":1,\"width\":0}]}", "images[0].width"),
        ("{\"images\":[{\"id\":1,\"width\":999999999999999999}]}", "from 1 to 1000000"),
        ("{\"images\":[{\"id\":1,\"file_name\":\"\"}]}", "images[0].file_name"),
        ("{\"images\":[{\"id\":NaN}]}", "expected JSON"), ("{\"images\":[],\"annotations\":[]}", "\"categories\""),
        ("{\"images\":[],\"annotations\":[],\"categories\":[]} x", "garbage"),
    ])
    func aFileOfTheWrongShapeIsRefused(text: String, found: String) throws {
        let message = try Self.message(text)
        #expect(message.contains(found), "\(message)")
    }

    @Test func everyTruncationIsRefused() throws {
        let text = Self.file(annotations: Self.good)
        let whole = Array(text.utf8)
        for count in stride(from: 1, to: whole.count, by: 7) {
            let error = #expect(throws: LayoutError.self) {
                try withFile(Array(whole[..<count])) { try AnnotationSet.read(path: $0) }
            }
            #expect(error?.description.contains("truncated") == true)
        }
        #expect(try Self.read(text).annotations.count == 1)
    }

    @Test func invalidUTF8IsRefused() throws {
        let bytes = Array("{\"images\":[{\"file_name\":\"".utf8) + [0xFF, 0xFE] + Array("\"}]}".utf8)
        #expect(throws: LayoutError.self) { try withFile(bytes) { try AnnotationSet.read(path: $0) } }
    }

    @Test func nestingHasALimit() throws {
        let nested = { (levels: Int) in String(repeating: "[", count: levels) + String(repeating: "]", count: levels) }
        let file = { Self.file(annotations: Self.good.dropLast() + ",\"segmentation\":\(nested($0))}") }
        #expect(try Self.read(file(97)).annotations.count == 1)
        #expect(try Self.message(file(98)).contains("nesting of at most 100 levels"))
        #expect(try Self.message(file(100_000)).contains("annotations[0]"))
    }

    @Test func repeatedAndUnknownIDsAreRefused() throws {
        let other = Self.good.replacingOccurrences(of: "\"image_id\":5", with: "\"image_id\":77")
        let odd = Self.good.replacingOccurrences(of: "\"category_id\":3", with: "\"category_id\":88")
        let twice =
            "\"images\":[" + String(repeating: #"{"id":5,"file_name":"a","width":1,"height":1},"#, count: 2).dropLast()
            + "]"
        let both = #""categories":[{"id":3,"name":"a"},{"id":3,"name":"b"}]"#
        #expect(
            try Self.message(Self.file(annotations: Self.good + "," + Self.good)).contains(
                "id 9 at annotations[0] and annotations[1]"))
        #expect(
            try Self.message(Self.file(annotations: Self.good, images: twice)).contains(
                "id 5 at images[0] and images[1]"))
        #expect(try Self.message(Self.file(annotations: Self.good, categories: both)).contains("id 3 at categories[0]"))
        #expect(
            try Self.message(Self.file(annotations: other)).contains(
                "annotations[0].image_id: expected an id of images, found 77"))
        #expect(
            try Self.message(Self.file(annotations: odd)).contains(
                "annotations[0].category_id: expected an id of categories, found 88"))
    }

    @Test func aMissingFileAndAFolderAreNamed() {
        let missing = #expect(throws: LayoutError.self) { try AnnotationSet.read(path: "/nonexistent/a.json") }
        #expect(missing?.code == .file)
        #expect(missing?.description.contains("/nonexistent/a.json: No such file") == true)
        #expect(throws: LayoutError.self) { try AnnotationSet.read(path: "/") }
    }

    /// Whatever bytes a file has, reading it returns or throws.
    @Test func damagedFilesNeverCrash() throws {
        let whole = Array(
            Self.file(annotations: Self.good + "," + Self.good.replacingOccurrences(of: "9", with: "8")).utf8)
        let alphabet = Array("{}[]\",:-.e0179ntf \\".utf8) + [0, 0xFF]
        var generator = SplitMix64(seed: 17)
        var readable = 0
        for _ in 0..<400 {
            var bytes = whole
            for _ in 0...generator.integer(in: 0...3) {
                bytes[generator.integer(in: 0...bytes.count - 1)] =
                    alphabet[generator.integer(in: 0...alphabet.count - 1)]
            }
            do {
                let set = try withFile(bytes) { try AnnotationSet.read(path: $0) }
                readable += 1
                _ = try Subset.select(things: set, stuff: nil, protocol: .all)
            } catch let error as LayoutError { #expect(!error.description.contains("\n")) }
        }
        #expect((1..<400).contains(readable))
    }

    /// Values that cross the border between two pieces arrive whole.
    @Test func aFileOfManyPiecesReadsTheSame() throws {
        let padding = String(repeating: "x", count: TextFile.pieceSize - 200)
        for shift in 0..<220 {
            let extra = "\"note\":\"\(padding)\(String(repeating: "y", count: shift))\""
            let set = try Self.read("{\(extra),\(Self.images),\"annotations\":[\(Self.good)],\(Self.categories)}")
            #expect(set.annotations.map(\.box) == [Box(x: 1, y: 2.5, width: 30, height: 4)])
            #expect(set.images.map(\.fileName) == ["a.jpg", "b.jpg"])
        }
    }
}
