// Hostile annotation files, through the command that would record a job.

import Fixtures
import Testing

/// A file that is right, and ways to make it wrong.
enum Annotations {
    static let image = #"{"id":1,"file_name":"a.jpg","width":640,"height":480}"#

    static func object(
        id: String = "1", image: String = "1", category: String = "1", box: String = "[10,10,200,200]",
        more: String = ""
    ) -> String {
        #"{"id":\#(id),"image_id":\#(image),"category_id":\#(category),"bbox":\#(box),"area":100,"iscrowd":0\#(more)}"#
    }

    static let objects = [object(), object(id: "2"), object(id: "3")]

    static func file(
        images: String = image, objects: [String] = objects, categories: String = #"{"id":1,"name":"person"}"#,
        more: String = ""
    ) -> String {
        #"{"images":[\#(images)],"annotations":[\#(objects.joined(separator: ","))],"categories":[\#(categories)]\#(more)}"#
    }
}

struct AnnotationFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var says: [String]

        init(_ name: String, _ text: String, _ says: String...) {
            self.init(name, Array(text.utf8), says)
        }

        init(_ name: String, _ bytes: [UInt8], _ says: [String]) {
            testDescription = name
            self.bytes = bytes
            self.says = says
        }
    }

    private static let good = Annotations.file()
    private static let long = String(repeating: "a", count: 10_000)
    private static let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)

    private static func one(_ object: String) -> String {
        Annotations.file(objects: [object] + Annotations.objects.dropFirst())
    }

    private static let form: [Case] = [
        Case("empty", "", "byte 0", "an empty file"),
        Case("truncated", String(good.prefix(good.count / 2)), "byte", "truncated"),
        Case("truncated by one", String(good.dropLast()), "truncated"),
        Case("not JSON", "person 1 2 3", "byte", "expected JSON"),
        Case("binary", [0x1F, 0x8B, 0x08, 0x00, 0x1B, 0x5B, 0x32, 0x4A], ["gzip data", "truncated"]),
        Case("not UTF-8", Array(#"{"images":[{"file_name":""#.utf8) + [0xFF, 0xFE] + Array("\"}]}".utf8), ["UTF"]),
        Case("text after the end", good + "{}", "byte \(good.utf8.count + 1)", "trailing"),
        Case("a list", "[\(good)]", "expected an object with the keys", "found an array"),
        Case("a number", "5", "found the number 5"),
        Case("images are an object", #"{"images":{}}"#, "images", "expected an array", "found an object"),
        Case("an image is a list", Annotations.file(images: "[1]"), "images[0]", "expected an object"),
        Case("no categories", #"{"images":[],"annotations":[]}"#, "the keys \"categories\""),
        Case("a key is missing", Annotations.file(images: #"{"id":1,"width":9,"height":9}"#), "images[0]", "file_name"),
        Case("200 levels deep", deep, "found an array"),
        Case("200 levels deep where nobody reads", Annotations.file(more: ",\"x\":\(deep)"), "at most 100 levels"),
        Case(
            "200 levels in a polygon", one(Annotations.object(more: ",\"segmentation\":\(deep)")), "annotations[0]",
            "100 levels"),
        Case("a section twice", Annotations.file(more: ",\"images\":[]"), "images", "the key once"),
        Case("a key twice", one(Annotations.object(more: ",\"id\":9")), "annotations[0].id", "the key once"),
    ]

    private static let values: [Case] = [
        Case("a NaN", one(Annotations.object(box: "[NaN,0,9,9]")), "annotations[0].bbox", "expected JSON"),
        Case("an Infinity", one(Annotations.object(box: "[0,0,Infinity,9]")), "annotations[0].bbox"),
        Case("infinite", one(Annotations.object(box: "[0,0,1e999,9]")), "annotations[0].bbox[2]", "found 1e999"),
        Case("infinitely far", one(Annotations.object(box: "[-1e999,0,1,9]")), "annotations[0].bbox[0]", "finite"),
        Case("negative width", one(Annotations.object(box: "[0,0,-5,9]")), "(dropped: degenerate 1, "),
        Case("three numbers", one(Annotations.object(box: "[0,0,5]")), "annotations[0].bbox", "found 3 numbers"),
        Case("five numbers", one(Annotations.object(box: "[0,0,5,5,5]")), "annotations[0].bbox", "a fifth"),
        Case(
            "a long number", one(Annotations.object(box: "[\(String(repeating: "9", count: 5000)),0,1,1]")), "bbox[0]"),
        Case(
            "text for a box", one(Annotations.object(box: "\"\\u001b[2J\"")), "annotations[0].bbox", "found the string"),
        Case("unknown category", one(Annotations.object(category: "77")), "annotations[0].category_id", "found 77"),
        Case("unknown image", one(Annotations.object(image: "77")), "annotations[0].image_id", "found 77"),
        Case("an id twice", one(Annotations.object(id: "2")), "annotations[0] and annotations[1]"),
        Case(
            "an image id twice", Annotations.file(images: "\(Annotations.image),\(Annotations.image)"),
            "images[0] and images[1]"),
        Case(
            "a category id twice", Annotations.file(categories: #"{"id":1,"name":"a"},{"id":1,"name":"b"}"#),
            "categories[0] and"),
        Case("an id beyond 64 bits", one(Annotations.object(id: "99999999999999999999")), "annotations[0].id"),
        Case("a fraction for an id", one(Annotations.object(id: "1.5")), "annotations[0].id", "a whole number"),
        Case("a side of 0", Annotations.file(images: Annotations.image.replacing("640", with: "0")), "images[0].width"),
        Case(
            "a side of a billion", Annotations.file(images: Annotations.image.replacing("640", with: "1e9")),
            "from 1 to 1000000"),
        Case(
            "a name of 10,000 characters", Annotations.file(categories: "{\"id\":1,\"name\":\"\(long)\"}"),
            "categories[0].name", "10000 bytes"),
        Case(
            "a name with control characters", Annotations.file(categories: #"{"id":1,"name":"a\u0000\u001b[31m"}"#),
            "categories[0].name", "\"a??[31m\""),
        Case(
            "an empty name", Annotations.file(categories: #"{"id":1,"name":""}"#), "categories[0].name",
            "1 to 1000 bytes"),
        Case(
            "a file name with a line end",
            Annotations.file(images: Annotations.image.replacing("a.jpg", with: "a\\nb")), "images[0].file_name"),
        Case("no images", Annotations.file(images: "", objects: []), "found none of 0"),
        Case("nothing kept", Annotations.file(objects: [Annotations.object()]), "found none of 1", "too-few-objects 1"),
        Case(
            "all boxes outside",
            Annotations.file(objects: ["1", "2", "3"].map { Annotations.object(id: $0, box: "[700,0,200,200]") }),
            "found 3 boxes that all reach outside their image"),
    ]

    @Test(arguments: form + values)
    func aWrongFileIsRefusedAndNothingIsRecorded(hostile: Case) throws {
        let scratch = try Scratch()
        let file = try scratch.write("hostile.json", hostile.bytes)
        let result = try Refusal.nobody.run(
            "producer", ["enqueue", "--job", "x", "--annotations", file, "--strategy", "hard"])
        Refusal.expect(result, status: 65, says: [file] + hostile.says, hostile.testDescription)
        #expect(try scratch.entries() == ["hostile.json"])
    }

    @Test func aFileThatIsMissingOrAFolderIs66() throws {
        let scratch = try Scratch()
        for (path, says) in [
            ("/nowhere.json", "No such file"), ("", "found a folder"), ("/" + Self.long, "name too long"),
        ] {
            let file = scratch.path + path
            let result = try Refusal.nobody.run("producer", ["plan", "--annotations", file, "--strategy", "hard"])
            Refusal.expect(
                result, status: 66, says: [String(scratch.path.prefix(80)), says], "file \(path.prefix(20))")
        }
    }

    @Test func theRightFileGetsAsFarAsTheServers() throws {
        let scratch = try Scratch()
        let file = try scratch.write("good.json", Self.good)
        let plan = try Refusal.nobody.run("producer", ["plan", "--annotations", file, "--strategy", "hard"])
        #expect(plan.status == 0 && plan.errors.isEmpty, "\(plan.errors)")
    }
}
