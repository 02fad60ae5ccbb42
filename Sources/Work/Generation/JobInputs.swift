// The files that a request names, each read once and hashed as it is read.

import Digests
import Layouts
import Tasks

/// What a request's files hold, and the specification that follows from them and from its options.
///
/// A file's digest is that of the text that was parsed, so that a pipe, or a file that somebody writes anew meanwhile,
/// gives the job whose identity it has.
struct JobInputs {
    let things: AnnotationSet
    let stuff: AnnotationSet?
    let imageIDs: [Int]?
    let attributes: AttributeSource?
    let specification: GenerateSpecification

    /// The annotation files' categories, as exports list them: the things', then those that only the stuff has.
    var categories: [Layouts.Category] {
        let known = Set(things.categories.map(\.id))
        return things.categories + (stuff?.categories ?? []).filter { !known.contains($0.id) }
    }

    /// Reads the files.
    init(_ request: JobRequest) throws {
        // First what is small: a mistake in it is said before half a gigabyte is read.
        let rules = try Self.rules(of: request)
        let (things, digest) = try Self.hashed { onText throws(LayoutError) in
            try AnnotationSet.read(path: request.annotations, onText: onText)
        }
        self.things = things
        var specification = GenerateSpecification(
            annotations: digest, subset: request.subset, strategy: request.strategy, template: request.template,
            bins: request.bins, width: request.width, height: request.height, samples: request.samples,
            seed: request.seed, generator: request.generator, shardSize: request.shardSize)
        specification.checkpoint = request.checkpoint
        specification.steps = request.steps
        specification.guidance = request.guidance
        specification.rebalance = request.rebalance
        specification.skipsUnfit = request.skipsUnfit ? true : nil
        let stuff = try request.stuff.map { path throws(LayoutError) in
            try Self.hashed { onText throws(LayoutError) in
                try AnnotationSet.read(path: path, isStuff: true, onText: onText)
            }
        }
        self.stuff = stuff?.value
        specification.stuff = stuff?.digest
        imageIDs = try request.imageIDs.map { path throws(LayoutError) in try ImageIDList.read(path: path) }
        specification.imageIDs = imageIDs.map(Self.digest(ofIDs:))
        specification.rules = rules
        specification.gate = try request.gate?.specification(for: things.categories)
        attributes = try Self.attributes(of: request, things: things, into: &specification)
        self.specification = specification
    }

    /// The rules of strategy `mixed`; detections beside rules that ask for none would be part of the job for nothing.
    private static func rules(of request: JobRequest) throws -> MixedRules? {
        guard let path = request.rules else { return nil }
        let rules = try MixedRules(file: path)
        guard rules.mentionsOrigin || request.detections == nil else {
            throw TaskError(
                .invalid,
                "--detections: the rules of \(path) ask no detector; drop the option, or use origin in a rule")
        }
        return rules
    }

    private static func attributes(
        of request: JobRequest, things: AnnotationSet, into specification: inout GenerateSpecification
    ) throws(LayoutError) -> AttributeSource? {
        guard let path = request.detections else { return nil }
        let detected = try request.detectedImages.map { path throws(LayoutError) in
            Set(try ImageIDList.read(path: path))
        }
        let (detections, digest) = try hashed { onText throws(LayoutError) in
            try DetectionSet.read(path: path, onText: onText)
        }
        try check(detections, against: things, request)
        specification.detections = digest
        specification.detectedImages = detected.map { Self.digest(ofIDs: Array($0)) }
        specification.gamma = request.rule.gamma
        specification.beta = request.rule.beta
        specification.sameClass = request.rule.sameClass
        specification.uncovered = request.uncovered
        return AttributeSource(
            detections: detections, detectedImages: detected, rule: request.rule, uncovered: request.uncovered)
    }

    /// A detector's results for other images would leave every object `[hard]` without a word.
    private static func check(
        _ detections: DetectionSet, against things: AnnotationSet, _ request: JobRequest
    ) throws(LayoutError) {
        let strange = detections.coveredImages.subtracting(things.images.map(\.id)).sorted()
        guard let first = strange.first else { return }
        throw LayoutError(
            .content,
            "cannot use the detections of \(request.detections ?? ""): expected image ids of \(request.annotations), "
                + "found \(strange.count) of \(detections.coveredImages.count) that it does not list (\(first) first); "
                + "give the detector's results for these images")
    }

    /// What `read` made, and the digest of the text that it showed.
    static func hashed<Value>(
        _ read: (_ onText: (ArraySlice<UInt8>) -> Void) throws(LayoutError) -> Value
    ) throws(LayoutError) -> (value: Value, digest: SHA256Digest) {
        var hasher = SHA256Hasher()
        let value = try read { hasher.update($0) }
        return (value, hasher.finalize())
    }

    /// The ids count, not how their file spells or orders them.
    static func digest(ofIDs ids: [Int]) -> SHA256Digest {
        SHA256.digest(of: Set(ids).sorted().map(String.init).joined(separator: "\n"))
    }
}
