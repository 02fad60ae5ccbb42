// Input files as users have them: read once, hashed as parsed, and said to be odd where they are.

import Foundation
import Layouts
import Testing

@testable import Generation

/// Files of a test's own in a folder that goes afterwards.
private func withFiles<Result>(_ texts: [String], _ body: ([String]) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("inputs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let paths = try texts.enumerated().map { index, text in
        let url = folder.appendingPathComponent("\(index).json")
        try Data(text.utf8).write(to: url)
        return url.path
    }
    return try body(paths)
}

/// An annotation file of one image of 640x480 with these boxes.
private func annotations(_ boxes: [String], more: String = "", name: String = "screw") -> String {
    let records = boxes.enumerated().map {
        #"{"id":\#($0.offset + 1),"image_id":1,"category_id":3,"bbox":[\#($0.element)]\#(more)}"#
    }
    return #"{"images":[{"id":1,"file_name":"1.jpg","width":640,"height":480}],"#
        + #""annotations":[\#(records.joined(separator: ","))],"categories":[{"id":3,"name":"\#(name)"}]}"#
}

private func detections(_ boxes: [String]) -> String {
    "[" + boxes.map { #"{"image_id":1,"category_id":3,"bbox":[\#($0)],"score":0.95}"# }.joined(separator: ",") + "]"
}

private let pixels = ["20,30,200,150", "240,60,180,220", "430,200,190,240"]
private let corners = ["20,30,220,180", "240,60,420,280", "430,200,620,440"]
private let fractions = ["0.03,0.06,0.31,0.31", "0.37,0.12,0.28,0.45", "0.67,0.41,0.29,0.5"]

struct InputTests {
    private func plan(
        _ text: String, detections: String? = nil, subset: SubsetProtocol = .trainability,
        _ change: (inout JobRequest) -> Void = { _ in }
    ) throws -> PlannedJob {
        try withFiles([text, detections ?? ""]) { paths in
            var request = JobRequest(
                annotations: paths[0], subset: subset, strategy: detections == nil ? .hard : .origin)
            if detections != nil { request.detections = paths[1] }
            change(&request)
            return try JobPlanner.plan(request)
        }
    }

    private func message(
        _ text: String, detections: String? = nil, subset: SubsetProtocol = .trainability,
        _ change: (inout JobRequest) -> Void = { _ in }
    ) throws -> String {
        let error = try #require(throws: LayoutError.self) {
            try plan(text, detections: detections, subset: subset, change)
        }
        #expect(error.code == .content && !error.description.contains("\n"))
        return error.description
    }

    /// The identity is that of the text that was parsed: what the file is by the end of the run does not count.
    @Test func aPipeAndAFileThatIsRewrittenGiveTheJobOfTheirText() throws {
        let text = annotations(pixels)
        let expected = try plan(text).specification
        try withFiles([""]) { paths in
            unlink(paths[0])
            #expect(mkfifo(paths[0], 0o600) == 0)
            let writer = Thread {
                let descriptor = open(paths[0], O_WRONLY)
                for byte in text.utf8 { withUnsafeBytes(of: byte) { _ = write(descriptor, $0.baseAddress, 1) } }
                // Before the reader sees the end, other bytes stand at the path.
                unlink(paths[0])
                try? Data("{}".utf8).write(to: URL(fileURLWithPath: paths[0]))
                close(descriptor)
            }
            writer.start()
            let job = try JobPlanner.plan(JobRequest(annotations: paths[0], subset: .trainability, strategy: .hard))
            #expect(job.specification == expected)
        }
        #expect(try plan("\u{FEFF}" + text).specification == expected)
    }

    @Test func oddBoxesAreSaidWithTheirCount() throws {
        #expect(try plan(annotations(pixels)).remarks.isEmpty)
        #expect(
            try plan(annotations(corners)).remarks.map(\.text) == [
                "2 of 3 annotated boxes reach outside their image by more than a pixel, 2 of them would lie in it as corners "
                    + "[x1,y1,x2,y2]"
            ])
        #expect(try plan(annotations(corners)).remarks.allSatisfy(\.isWarning))
        let one = try plan(annotations(pixels + ["600,1,100,150"])).remarks
        #expect(one.map(\.text) == ["1 of 4 annotated boxes reach outside their image by more than a pixel"])
        #expect(one.map(\.isWarning) == [false])
        let detected = try plan(annotations(pixels), detections: detections(corners))
        #expect(detected.remarks.first?.text.hasPrefix("2 of 3 detections reach outside their image") == true)
        let apart = try plan(annotations(pixels), detections: detections([pixels[0], "1,1,5,5"]))
        #expect(apart.detections?.apart == 1)
        #expect(
            apart.remarks.map(\.text) == ["1 of 2 detections with a score of at least 0.3 overlap no annotated box"])
    }

    @Test func whatCannotBeMeantIsRefusedWithItsLikelyCause() throws {
        #expect(try message(annotations(fractions)).contains("found 3 boxes whose numbers all lie from 0 to 1"))
        #expect(
            try message(annotations(Array(corners.dropFirst()))).contains(
                "as corners [x1,y1,x2,y2]; write [x1,y1,x2-x1"))
        let good = annotations(pixels)
        #expect(
            try message(good, detections: detections(fractions)).contains(
                "found 3 boxes whose numbers all lie from 0 to 1"))
        #expect(
            try message(good, detections: detections(["1,1,5,5"])).contains("found 1 that overlap no annotated box"))
    }

    @Test func anEmptySubsetSaysWhichRuleEmptiedIt() throws {
        #expect(try message(annotations([pixels[0]])).contains("want 3 to 8 objects an image"))
        #expect(try message(annotations([pixels[0]])).hasSuffix("--subset all"))
        #expect(try plan(annotations([pixels[0]]), subset: .all).taskCount == 1)
        #expect(try message(annotations(Array(repeating: pixels[0], count: 9))).contains("too-many-objects 1"))
        #expect(try message(annotations(pixels, more: #","area":0"#)).contains("leave the key out"))
        #expect(try message(annotations(pixels, more: #","ignore":1"#)).contains("(dropped: ignored 3, "))
        #expect(try message(annotations(pixels, more: #","iscrowd":1"#)).contains("are no objects to generate"))
        #expect(try message(annotations(["", ""])).contains("degenerate 2"))
        let tiny = try message(annotations(["5,5,2,3"]), subset: .all) {
            $0.width = 64
            $0.height = 64
        }
        #expect(tiny.contains("sub-pixel 1") && tiny.contains("under a pixel at 64x64"))
    }

    @Test func aNameThatHoldsATokenIsRefusedWhereItWouldBeUsed() throws {
        let text = try message(annotations(pixels, name: "<lid> [easy]"))
        #expect(text.contains("found [easy] in the name '<lid> [easy]' of category 3"))
        #expect(try plan(annotations(pixels, name: "screw, M4 (bent)")).images == 1)
    }

    @Test func categoriesOfAnyIDAreNamedByTheirDetector() throws {
        let job = try plan(annotations(pixels, name: "other"), detections: detections([pixels[1]])) {
            $0.rule.sameClass = true
        }
        #expect(job.plan.layouts[0].objects.map(\.attribute) == [.hard, .easy, .hard])
    }
}
