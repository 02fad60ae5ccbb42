// Every reader of bytes that come from outside.

import Archives
import Auditing
import Detectors
import Diffusion
import Digests
import Foundation
import Layouts
import Pixels
import Tasks
import Weights

/// The readers under fuzzing.
enum Targets {
    static let all = [
        annotations, stuff, detections, imageIDs, rules, target, layout, layoutTask, hint, control, profile, program,
        tar, archive, png, jpeg, darknet, darknetWeights, detectorSafetensors, detectorTorch, safetensors, torchPickle,
        tokenizer, configuration, layoutFile, shardIndex, tokenizerFolder, checkpointFolder, address,
    ]

    static let file = MemoryFile()

    private static let annotations = FuzzTarget(name: "annotations") { bytes in
        file.write(bytes)
        let set = try AnnotationSet.read(path: file.path)
        for rules in [SubsetProtocol.trainability, .all] { try plan(set, rules) }
    }

    /// What follows a file that was accepted: selecting, labelling, encoding.
    private static func plan(_ set: AnnotationSet, _ rules: SubsetProtocol) throws {
        let subset = try Subset.select(things: set, stuff: nil, protocol: rules)
        for layout in try LayoutPlan.make(subset: subset, strategy: .hard, attributes: nil).layouts {
            check(layout)
            _ = PromptTemplate.compact.prompt(for: layout, bins: Bins(columns: 256, rows: 256))
        }
    }

    private static func check(_ layout: Layout) {
        guard let decoded = try? Layout(decoding: layout.encoded()) else {
            preconditionFailure("what was encoded decodes: \(layout)")
        }
        expect(decoded == layout, "what was encoded decodes to an equal layout: \(layout)")
        for box in layout.boxes(inWidth: 64, height: 48) {
            expect(box.x >= 0 && box.y >= 0 && box.maxX <= 64 && box.maxY <= 48, "boxes are clipped: \(layout)")
        }
    }

    private static let stuff = FuzzTarget(name: "stuff") { bytes in
        file.write(bytes)
        let set = try AnnotationSet.read(path: file.path, isStuff: true)
        let things = AnnotationSet(images: set.images, annotations: [], categories: [])
        _ = try Subset.select(things: things, stuff: set, protocol: .fidelity)
    }

    private static let detections = FuzzTarget(name: "detections") { bytes in
        file.write(bytes)
        let set = try DetectionSet.read(path: file.path)
        for detection in set.byImage.values.joined() {
            let numbers = [detection.box.x, detection.box.y, detection.box.width, detection.box.height]
            expect(
                (0...1).contains(detection.score) && numbers.allSatisfy(\.isFinite), "accepted values are in range")
        }
    }

    private static let imageIDs = FuzzTarget(name: "image-ids") { bytes in
        file.write(bytes)
        try expect(!ImageIDList.read(path: file.path).isEmpty, "a list holds ids")
    }

    private static let rules = FuzzTarget(name: "rules") { bytes in
        file.write(bytes)
        let rules = try MixedRules(file: file.path)
        file.write(Array(rules.canonicalJSON.utf8))
        try expect(MixedRules(file: file.path) == rules, "canonical rules are the same rules")
        expect(rules.rules.allSatisfy { !$0.words.isEmpty }, "each rule has words")
    }

    private static let target = FuzzTarget(name: "target") { bytes in
        file.write(bytes)
        guard case .shares(let shares) = try RebalanceTarget(file: file.path) else {
            preconditionFailure("a file gives shares")
        }
        expect(!shares.isEmpty && shares.values.allSatisfy { (0...1).contains($0) }, "accepted shares are in range")
    }

    private static let layout = FuzzTarget(name: "layout") { bytes in check(try Layout(decoding: bytes)) }

    private static let layoutTask = FuzzTarget(name: "layout-task") { bytes in
        let task = try LayoutTask(decoding: bytes)
        try expect(LayoutTask(decoding: task.encoded()) == task, "what was encoded decodes to an equal task")
    }

    private static let hint = FuzzTarget(name: "hint") { bytes in
        let hint = try Hint(decoding: bytes)
        try expect(Hint(decoding: hint.encoded()) == hint, "what was encoded decodes to an equal hint")
        expect(hint.range.lowerBound >= 0 && hint.range.upperBound <= Int(Int32.max), "ranges fit the catalogue")
    }

    private static let control = FuzzTarget(name: "control") { bytes in
        let message = try ControlMessage(decoding: bytes)
        try expect(ControlMessage(decoding: message.encoded()).job == message.job, "what was encoded decodes")
    }

    private static let profile = FuzzTarget(name: "profile") { bytes in
        file.write(bytes)
        _ = try WorkerProfile.read(path: file.path)
    }

    /// What a generator program writes: cut into lines, read, and judged, each line by itself.
    private static let program = FuzzTarget(name: "program") { bytes in
        let limit = 2048
        var splitter = LineSplitter(limit: limit)
        for start in stride(from: 0, to: bytes.count, by: 100) {
            splitter.append(bytes[start..<min(start + 100, bytes.count)])
        }
        var lines: [LineSplitter.Line] = []
        while let line = splitter.popLine() { lines.append(line) }
        if let rest = splitter.popRest() { lines.append(rest) }
        for line in lines {
            expect(line.bytes.count <= limit && !line.bytes.contains(10), "lines are bounded")
            do {
                try judge(line.bytes)
            } catch {
                FuzzTarget.check(refusal: "\(error)")
            }
        }
    }

    private static func judge(_ line: [UInt8]) throws {
        switch try ProgramReply(decoding: line) {
        case .ready(let ready):
            let facts = try ProgramFacts(decoding: ready)
            expect((1...ProgramProtocol.batchLimit).contains(facts.batch), "accepted values are in range")
        case .result(let result):
            try expect(result.items(ofBatch: 7, count: 3).count == 3, "every task has its item")
        }
    }

    private static let tar = FuzzTarget(name: "tar") { bytes in
        file.write(bytes)
        for member in try TarReader(path: file.path, following: true).members() {
            expect(member.offset >= 0 && member.size >= 0, "members lie in the file")
            expect(member.offset + member.size <= bytes.count, "members lie in the file")
        }
        var count = 0
        try TarReader(path: file.path, following: true).forEachMember { _, contents in
            count += contents.count
            return true
        }
        expect(count <= bytes.count, "members do not overlap")
    }

    private static let archive = FuzzTarget(name: "archive") { bytes in
        file.write(bytes)
        for finding in try ArchiveInspection.findings(inFileAt: file.path) { FuzzTarget.check(refusal: "\(finding)") }
    }

    private static let png = FuzzTarget(name: "png") { bytes in
        let image = try Image(png: bytes)
        expect(image.pixels.count == image.width * image.height * 3, "pixels fill the picture")
        try expect(Image(png: image.png()) == image, "what was encoded decodes to an equal picture")
    }

    private static let darknet = FuzzTarget(name: "darknet") { bytes in
        file.write(bytes)
        let configuration = try DarknetConfiguration(path: file.path)
        expect(configuration.parameters >= 0 && configuration.classes >= 1, "sizes are counted without overflow")
    }

    private static let jpeg = FuzzTarget(name: "jpeg") { bytes in
        let image = try Image(jpeg: bytes)
        expect(image.pixels.count == image.width * image.height * 3, "pixels fill the picture")
    }

    /// The configuration of each part of a checkpoint; the bytes are tried as all of them.
    private static let configuration = FuzzTarget(name: "configuration") { bytes in
        file.write(bytes)
        let readers: [(String) throws -> Void] = [
            { _ = try UNetConfiguration(path: $0) }, { _ = try AutoencoderConfiguration(path: $0) },
            { _ = try TextEncoderConfiguration(path: $0) }, { _ = try SchedulerConfiguration(path: $0) },
        ]
        for read in readers {
            do {
                try read(file.path)
            } catch {
                FuzzTarget.check(refusal: "\(error)")
            }
        }
    }

    /// A layout that a person wrote, under every strategy.
    private static let layoutFile = FuzzTarget(name: "layout-file") { bytes in
        file.write(bytes)
        for strategy in Strategy.allCases where strategy != .mixed {
            let layout = try Layout(file: file.path, strategy: strategy)
            try expect(Layout(decoding: layout.encoded()) == layout, "what was encoded decodes to an equal layout")
            expect(layout.boxes(inWidth: 64, height: 40).count == layout.objects.count, "each object has a box")
        }
    }

    /// A `tokenizer.json`.
    private static let tokenizer = FuzzTarget(name: "tokenizer") { bytes in
        check(try CLIPTokenizer(serialized: bytes), bytes)
    }

    /// Whatever was accepted encodes any text.
    static func check(_ tokenizer: CLIPTokenizer, _ bytes: [UInt8]) {
        let texts = [
            "", "A man's  hat, e\u{327}\u{301} <l1>[easy]\u{3000}!!",
            String(decoding: bytes.prefix(500), as: UTF8.self),
        ]
        for text in texts {
            let ids = tokenizer.encode(text)
            expect(ids.count >= 2 && tokenizer.pieces(of: ids).count == ids.count, "ids are of the tokenizer")
            if ids.count <= tokenizer.maximumLength {
                expect((try? tokenizer.padded(ids))?.count == tokenizer.maximumLength, "padding fills")
            }
        }
    }
}
