// One image to generate: what a generate task carries, and how its seed is made.

import Digests
import Foundation
import JSON
public import Layouts

/// One image to generate: layout, prompt and seed. It is the payload of a generate task in the catalogue.
public struct LayoutTask: Hashable, Sendable {
    /// The objects and the original image's size.
    public var layout: Layout
    /// The prompt in the job's template.
    public var prompt: String
    /// Which of the layout's samples it is, from 0.
    public var sample: Int
    /// The seed of the image's noise.
    public var seed: UInt64

    /// Makes a task.
    public init(layout: Layout, prompt: String, sample: Int, seed: UInt64) {
        self.layout = layout
        self.prompt = prompt
        self.sample = sample
        self.seed = seed
    }

    /// The seed of sample `sample` of image `imageID` in a job with seed `jobSeed` (docs/method.md, section 4): the
    /// first 53 bits of SHA-256 of `detdiffusion.seed.v1|<job seed>|<image id>|<sample>`; 53, so that every JSON reader
    /// holds it exactly.
    public static func seed(jobSeed: UInt64, imageID: Int, sample: Int) -> UInt64 {
        let digest = SHA256.digest(of: "detdiffusion.seed.v1|\(jobSeed)|\(imageID)|\(sample)")
        return digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } >> 11
    }

    /// The same task with the seed of its `retry`-th retry, which is drawn after a gate refused what came before; 0 is the task
    /// itself. The seed is the first 53 bits of SHA-256 of `detdiffusion.retry.v1|<seed>|<retry>`.
    public func retried(_ retry: Int) -> LayoutTask {
        guard retry > 0 else { return self }
        var task = self
        let digest = SHA256.digest(of: "detdiffusion.retry.v1|\(seed)|\(retry)")
        task.seed = digest.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } >> 11
        return task
    }

    /// The name of its image in shards and exports, without extension: `000000000139-0`.
    public var key: String { Self.key(imageID: layout.imageID, sample: sample) }

    /// The name of a sample's image, without extension. It has no dot, since WebDataset cuts keys there.
    public static func key(imageID: Int, sample: Int) -> String {
        let digits = String(imageID)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits + "-\(sample)"
    }

    /// Whether a text is a key that ``key(imageID:sample:)`` gives.
    public static func isKey(_ text: some StringProtocol) -> Bool {
        guard let match = String(text).wholeMatch(of: /0*(-?[0-9]+)-([0-9]+)/), let imageID = Int(match.1),
            let sample = Int(match.2)
        else { return false }
        return key(imageID: imageID, sample: sample) == text
    }

    /// The catalogue's bytes: canonical JSON.
    public func encoded() throws(TaskError) -> [UInt8] {
        let encodedPrompt: Data
        do {
            encodedPrompt = try JSONEncoder().encode(prompt)
        } catch {
            throw TaskError(
                .invalid, "layout task of image \(layout.imageID): its prompt cannot be written as JSON (\(error))")
        }
        return Array("{\"layout\":".utf8) + layout.encoded() + Array(",\"prompt\":".utf8) + Array(encodedPrompt)
            + Array(",\"sample\":\(sample),\"seed\":\(seed)}".utf8)
    }

    /// Reads the catalogue's bytes, and refuses a layout, sample or seed that no producer writes.
    public init(decoding bytes: [UInt8]) throws(TaskError) {
        var reader = JSONReader<JSONFault>(bytes)
        do {
            self = try LayoutTask(&reader)
            try reader.finish()
            try layout.check()
        } catch let fault as JSONFault {
            throw TaskError(
                .unreadable,
                "layout task: expected the JSON that the producer wrote, found \(bytes.count) bytes that do not decode "
                    + "(\(fault.part.isEmpty ? "" : "\(fault.part), ")\(fault.reason))")
        } catch {
            throw TaskError(.unreadable, "layout task: \(error)")
        }
        guard (0..<JobRanges.samples.upperBound).contains(sample), JobRanges.seeds.contains(seed) else {
            throw TaskError(
                .unreadable,
                "layout task: expected a sample below \(JobRanges.samples.upperBound) and a seed below 2^53, found sample "
                    + "\(sample), seed \(seed)")
        }
    }

    private init(_ reader: inout JSONReader<JSONFault>) throws(JSONFault) {
        var layout: Layout?
        var prompt: String?
        var sample: Int?
        var seed: Int?
        try reader.members { (reader, key) throws(JSONFault) in
            switch key {
            case "layout": try reader.read(key, into: &layout) { (reader) throws(JSONFault) in try Layout(&reader) }
            case "prompt": try reader.read(key, into: &prompt) { (reader) throws(JSONFault) in try reader.text() }
            case "sample": try reader.read(key, into: &sample) { (reader) throws(JSONFault) in try reader.integer() }
            case "seed": try reader.read(key, into: &seed) { (reader) throws(JSONFault) in try reader.count() }
            default: try reader.skip()
            }
        }
        self.init(
            layout: try reader.required("layout", layout), prompt: try reader.required("prompt", prompt),
            sample: try reader.required("sample", sample), seed: UInt64(try reader.required("seed", seed)))
    }
}
