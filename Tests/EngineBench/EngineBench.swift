// Times the engine: one JSON object a line. Built only with DETDIFFUSION_ENGINE_BENCH set.
//
// engine-bench layers ROWSxCOLUMNS [NAME]                      layers of Stable Diffusion, those whose name holds NAME
// engine-bench unet|decode|text|image CHECKPOINT ROWSxCOLUMNS  a part of a checkpoint, or whole images
// engine-bench detect yolov4|faster-rcnn|fcos FOLDER           a detector, of what ops/benchmarks/make_detectors.py wrote
// engine-bench trace-unet|trace-decode|trace-detect|...        where its time goes
//
// --shapes 1 (a trace by shape), --threads N, --runs N, --batch N (images; a guided call has two texts each), --steps N. Sides are those of the latents.

import Foundation

@main
enum EngineBench {
    static func main() throws {
        var words = Array(CommandLine.arguments.dropFirst())
        var options: [String: Int] = [:]
        while let index = words.firstIndex(where: { $0.hasPrefix("--") }), index + 1 < words.count {
            options[words[index]] = Int(words[index + 1])
            words.removeSubrange(index...index + 1)
        }
        guard words.count >= 2 else { usage() }
        let isTrace = words[0].hasPrefix("trace-")
        let name = isTrace ? String(words[0].dropFirst(6)) : words[0]
        let showsShapes = options["--shapes"] == 1
        if name == "detect", words.count == 3 {
            let times = DetectorTimes(
                name: words[1], folder: words[2], runs: options["--runs"] ?? 3, threads: options["--threads"])
            if isTrace { try times.trace(showsShapes: showsShapes) } else { try times.run() }
            return
        }
        let stage = Stage(rawValue: name)
        let text = stage == nil ? words[1] : words[words.count - 1]
        let sides = text.split(separator: "x").compactMap { Int($0) }
        guard sides.count == 2, stage == nil ? words[0] == "layers" : words.count == 3 else { usage() }
        guard let stage else {
            LayerTimes.run(
                rows: sides[0], columns: sides[1], name: words.count == 3 ? words[2] : "",
                threads: options["--threads"], runs: options["--runs"] ?? 5)
            return
        }
        let times = ModelTimes(
            folder: words[1], rows: sides[0], columns: sides[1], batch: options["--batch"] ?? 1,
            steps: options["--steps"] ?? 50, runs: options["--runs"] ?? 3, threads: options["--threads"])
        if isTrace { try times.trace(stage, showsShapes: showsShapes) } else { try times.run(stage) }
    }

    static func usage() -> Never {
        FileHandle.standardError.write(
            Data(
                ("engine-bench layers ROWSxCOLUMNS [NAME] | [trace-]unet|decode|text|image CHECKPOINT ROWSxCOLUMNS "
                    + "| [trace-]detect NAME FOLDER\n").utf8))
        exit(64)
    }
}
