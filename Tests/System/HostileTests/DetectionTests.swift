// Hostile detections and lists of image ids, through the command that would record a job.

import Fixtures
import Testing

struct DetectionTests {
    private static func detection(
        image: String = "1", category: String = "1", box: String = "[10,10,200,200]", score: String = "0.9"
    ) -> String {
        #"{"image_id":\#(image),"category_id":\#(category),"bbox":\#(box),"score":\#(score)}"#
    }

    private static let cases: [(String, String, [String])] = [
        ("empty", "", ["byte 0", "an empty file"]),
        ("not JSON", "{image_id: 1}", ["expected"]),
        ("annotations instead", Annotations.file(), ["expected an array of objects", "found an object"]),
        ("truncated", "[" + detection() + ",{\"image", ["truncated"]),
        ("of another image", "[" + detection() + "," + detection(image: "2") + "]", ["found 1 of 2", "(2 first)"]),
        ("a score above 1", "[" + detection(score: "85") + "]", ["[0].score", "from 0 to 1", "the number 85"]),
        ("a score below 0", "[" + detection(score: "-0.1") + "]", ["[0].score", "from 0 to 1"]),
        ("a score that is none", "[" + detection(score: "null") + "]", ["[0].score", "found null"]),
        ("a score of NaN", "[" + detection(score: "NaN") + "]", ["[0].score", "expected JSON"]),
        ("a score twice", "[" + detection(score: "0.5,\"score\":0.9") + "]", ["[0].score", "the key once"]),
        ("a negative box", "[" + detection(box: "[0,0,-1,2]") + "]", ["found 1 that overlap no annotated box"]),
        ("an infinite box", "[" + detection(box: "[0,0,1e400,2]") + "]", ["[0].bbox[2]", "found 1e400"]),
        (
            "masks without boxes", #"[{"image_id":1,"category_id":1,"segmentation":{"counts":"x"},"score":1}]"#,
            ["[0]", "\"bbox\""]
        ),
        ("deep", "[" + String(repeating: "[", count: 200), ["[0]", "expected an object"]),
        ("none", "[]", ["found 1 that the detector was not run on"]),
    ]

    @Test(arguments: cases)
    func aWrongFileIsRefused(name: String, text: String, says: [String]) throws {
        let scratch = try Scratch()
        let annotations = try scratch.write("good.json", Annotations.file())
        let file = try scratch.write("detections.json", text)
        let result = try Refusal.nobody.run(
            "producer",
            ["enqueue", "--job", "x", "--annotations", annotations, "--strategy", "origin", "--detections", file])
        // Detections that leave images out contradict the options, which say what to do with such images.
        Refusal.expect(result, status: name == "none" ? 64 : 65, says: (name == "none" ? [] : [file]) + says, name)
    }

    @Test(
        arguments: [
            ("words", "1\ntwo\u{1B}[2J\n", 65, ["line 2", "'two?[2J'"]), ("nothing", " \n", 65, ["found none"]),
            ("a broken array", "[1, 2", 65, ["JSON array"]), ("an array of words", "[\"1\"]", 65, ["JSON array"]),
            ("other bytes", "\u{0}", 65, ["'?'"]),
            ("a long word", String(repeating: "9", count: 10_000), 65, ["line 1"]),
            ("images that are not there", "1\n2\n", 64, ["found 1 of 2 missing (2)"]),
        ] as [(String, String, Int32, [String])])
    func aWrongListOfImagesIsRefused(name: String, text: String, status: Int32, says: [String]) throws {
        let scratch = try Scratch()
        let annotations = try scratch.write("good.json", Annotations.file())
        let file = try scratch.write("ids.txt", text)
        let result = try Refusal.nobody.run(
            "producer",
            ["enqueue", "--job", "x", "--annotations", annotations, "--strategy", "hard", "--image-ids", file])
        Refusal.expect(result, status: status, says: says, name)
    }

    @Test(
        arguments: [
            ("truncated", #"{"images":["#, 65, ["truncated"]),
            ("detections instead", "[\(detection())]", 65, ["found an array"]),
            (
                "a box of words", Annotations.file(objects: [Annotations.object(box: "[0,0,\"5\",9]")]), 65,
                ["annotations[0].bbox[2]"]
            ),
            (
                "an image of its own", Annotations.file(objects: [Annotations.object(image: "77")]), 65,
                ["annotations[0].image_id", "found 77"]
            ),
        ] as [(String, String, Int32, [String])])
    func aWrongFileOfStuffIsRefused(name: String, text: String, status: Int32, says: [String]) throws {
        let scratch = try Scratch()
        let annotations = try scratch.write("good.json", Annotations.file())
        let file = try scratch.write("stuff.json", text)
        let result = try Refusal.nobody.run(
            "producer",
            [
                "enqueue", "--job", "x", "--annotations", annotations, "--stuff", file, "--subset", "fidelity",
                "--strategy",
                "hard",
            ])
        Refusal.expect(result, status: status, says: [file] + says, name)
    }

    @Test(
        arguments: [
            ("words", "1\ntwo\u{1B}[2J\n", 65, ["line 2", "'two?[2J'"]), ("nothing", "", 65, ["found none"]),
            ("other images", "2\n", 65, ["found 1 missing (1)"]),
        ] as [(String, String, Int32, [String])])
    func aWrongListOfDetectedImagesIsRefused(name: String, text: String, status: Int32, says: [String]) throws {
        let scratch = try Scratch()
        let annotations = try scratch.write("good.json", Annotations.file())
        let detections = try scratch.write("detections.json", "[\(Self.detection())]")
        let file = try scratch.write("detected.txt", text)
        let result = try Refusal.nobody.run(
            "producer",
            [
                "enqueue", "--job", "x", "--annotations", annotations, "--strategy", "origin", "--detections",
                detections,
                "--detected-images", file,
            ])
        Refusal.expect(result, status: status, says: says, name)
    }
}
