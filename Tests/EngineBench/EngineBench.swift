// Times the engine: one JSON object per line. Built only with DETDIFFUSION_ENGINE_BENCH set.
//
// engine-bench layers ROWSxCOLUMNS [NAME] [--threads N] [--runs N]     only layers whose name holds NAME
// engine-bench image CHECKPOINT ROWSxCOLUMNS [--threads N] [--steps N] [--batch N]

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
        guard words.count >= 2, words.count <= 3, ["layers", "image"].contains(words[0]) else { usage() }
        let sides = words[words[0] == "image" ? words.count - 1 : 1].split(separator: "x").compactMap { Int($0) }
        guard sides.count == 2 else { usage() }
        if words[0] == "image" {
            try ImageTimes.run(
                folder: words[1], rows: sides[0], columns: sides[1], batch: options["--batch"] ?? 1,
                steps: options["--steps"] ?? 3, threads: options["--threads"])
        } else {
            LayerTimes.run(
                rows: sides[0], columns: sides[1], name: words.count == 3 ? words[2] : "",
                threads: options["--threads"], runs: options["--runs"] ?? 5)
        }
    }

    static func usage() -> Never {
        print("engine-bench layers ROWSxCOLUMNS [NAME] | image CHECKPOINT ROWSxCOLUMNS; sides of the latents")
        exit(64)
    }
}
